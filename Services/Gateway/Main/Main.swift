// The gateway executable: its service, in the host that every service shares.
import CMimalloc
import GatewayService
import Glibc
import ServiceHost

@main struct Main {
  static func main() {
    // mimalloc takes malloc's place in this process by being linked, which the linker wants to
    // see a use of. What one thread makes of a call another frees: there glibc's takes locks.
    precondition(mi_version() > 0)
    exit(ServiceHost.main(GatewayService.blueprint))
  }
}
