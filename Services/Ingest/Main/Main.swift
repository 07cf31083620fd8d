// The ingest executable: its service, in the host that every service shares.
import Glibc
import IngestService
import ServiceHost

@main struct Main {
  static func main() { exit(ServiceHost.main(IngestService.blueprint)) }
}
