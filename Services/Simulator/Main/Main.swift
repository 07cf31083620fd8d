// The simulator executable: its service, in the host that every service shares.
import Glibc
import ServiceHost
import SimulatorService

@main struct Main {
  static func main() { exit(ServiceHost.main(SimulatorService.blueprint)) }
}
