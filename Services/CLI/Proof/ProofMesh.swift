import EventLoop
import Faults
import GatewayStandIn
import Glibc
import Machine
import MeshAddressing
import OrchestratorContract
import RPC
import ServiceHost
import StoreContract
import Telemetry

/// The mesh under proof: a store and some orchestrators as processes, and in this process a
/// gateway that pays by its own log, and an ingest that is only there.
final class ProofMesh: Sendable {
  private let plan: ProofPlan
  private let loop: EventLoop
  private let standIn: Server
  let processes: [ProofProcess]
  let orchestrator: OrchestratorClient
  let store: StoreClient
  let payments: String
  let database: String

  init(_ plan: ProofPlan, script: StandInScript, on loop: EventLoop) async throws {
    self.plan = plan
    self.loop = loop
    let folder = plan.folder
    for name in ["store", "orchestrator", "gateway", "ingest", "data"] {
      try Files.makeDirectory("\(folder)/\(name)")
    }
    payments = "\(folder)/payments.log"
    database = "\(folder)/data"
    let gateway = try StandInGateway(script: script, logPath: payments, loop: loop)
    let health = HealthRegistry(services: [])
    health.set(.serving)
    standIn = Server(
      loop: loop,
      services: try StandardServices.definitions(with: [gateway.service], health: health),
      options: ServerOptions(callers: CallerTable(ownUID: getuid())))
    for name in ["gateway", "ingest"] {
      _ = try await standIn.listen(
        on: .unixDirectory(path: "\(folder)/\(name)"), instance: "stand-in")
    }
    processes = ProofMesh.processes(plan, database: database, on: loop)
    orchestrator = OrchestratorClient(
      Channel(to: .unixDirectory(path: "\(folder)/orchestrator"), on: loop))
    store = StoreClient(Channel(to: .unixDirectory(path: "\(folder)/store"), on: loop))
  }

  private static func processes(
    _ plan: ProofPlan, database: String, on loop: EventLoop
  ) -> [ProofProcess] {
    let folder = plan.folder
    var common = [
      "PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no", "ASSAY_LOG_FORMAT": "json",
    ]
    for name in ["store", "gateway", "ingest"] {
      common["ASSAY_MESH_\(name.uppercased())"] = "unix-dir:\(folder)/\(name)"
    }
    func process(_ service: String, _ instance: String, _ own: [String: String]) -> ProofProcess {
      var environment = common.merging(own) { _, new in new }
      environment["ASSAY_MESH_LISTEN"] = "unix-dir:\(folder)/\(service)"
      environment["ASSAY_MESH_INSTANCE"] = instance
      return ProofProcess(
        instance, "\(plan.executables)/assay-\(service)", environment,
        logPath: "\(folder)/\(instance).log", loop: loop)
    }
    var own = [
      "ASSAY_STORE_PATH": database, "ASSAY_STORE_LEASE_TTL": "250ms",
      "ASSAY_STORE_BACKUP_PATH": "\(folder)/backups",
    ]
    if let preload = plan.storePreload {
      own["LD_PRELOAD"] = preload
      own["POWERCUT_FOLDER"] = database
      own["BADDISK_FOLDER"] = database
      own["POWERCUT_EARLY"] = "200"
      own["POWERCUT_SEED"] = String(plan.seed)
      own.merge(plan.preloadVariables) { _, told in told }
    }
    let store = process("store", "store", own)
    return [store]
      + (0..<plan.orchestrators).map { process("orchestrator", "orchestrator-\($0 + 1)", [:]) }
  }

  /// Whether a process ends by itself again and again.
  var isBroken: Bool {
    get async {
      for process in processes where await process.unexpectedEnds.count >= Self.endsMax {
        return true
      }
      return false
    }
  }

  private static let endsMax = 5

  func start() async throws {
    for process in processes { try await process.start() }
  }

  /// Ends every process and every socket of the mesh.
  func stop() async {
    // Callers before those they call, as a mesh goes down.
    for process in processes.reversed() { await process.rest() }
    await standIn.drain()
    await orchestrator.channel.shutDown()
    await store.channel.shutDown()
  }
}
