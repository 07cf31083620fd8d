// The store executable: its service, in the host that every service shares.
import Glibc
import ServiceHost
import StoreService

@main struct Main {
  static func main() { exit(ServiceHost.main(StoreService.blueprint)) }
}
