import GatewayService
// The gateway executable: its service, in the host that every service shares.
import Glibc
import ServiceHost

@main struct Main {
  static func main() { exit(ServiceHost.main(GatewayService.blueprint)) }
}
