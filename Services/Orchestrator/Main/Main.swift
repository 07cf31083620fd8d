// The orchestrator executable: its service, in the host that every service shares.
import Glibc
import OrchestratorService
import ServiceHost

@main struct Main {
  static func main() { exit(ServiceHost.main(OrchestratorService.blueprint)) }
}
