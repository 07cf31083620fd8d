import EventLoop
import Faults
import GRPCFormat
import Glibc
import Locking
import MeshAddressing
import RPC
import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import Telemetry
import TestSupport
import Testing

@testable import StoreService

/// A store behind a real server, and clients of it; gone when the test is.
final class StoreFixture: Sendable {
  /// How a test reaches the store, and what keeps its facts.
  enum Place: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case modelInProcess, fileInProcess, fileOverSocket

    var testDescription: String { rawValue }
  }

  let place: Place
  let folder: String
  let serverLoop: EventLoop
  let clientLoop: EventLoop
  let metrics = Metrics()
  private let open: Lock<(store: OpenStore, server: Server)?>
  private let address: Lock<MeshAddress?>
  /// Letting go of one would end its stream, and its leases with it.
  private let replicas = Lock<[Replica]>([])
  private let opening: StoreOpening
  private let leaseTTL: Duration

  var socket: String { "\(folder)/store.sock" }
  var file: String { "\(folder)/store.db" }

  private init(
    _ place: Place, folder: String, ttl: Duration, opening: ((String) throws -> StoreOpening)?
  ) throws {
    self.place = place
    self.folder = folder
    leaseTTL = ttl
    serverLoop = try EventLoop(name: "server")
    clientLoop = try EventLoop(name: "client")
    open = Lock(nil)
    address = Lock(nil)
    if let opening {
      self.opening = try opening(folder)
    } else if place == .modelInProcess {
      let model = SharedModel()
      self.opening = StoreOpening(writer: { model }, reader: { model })
    } else {
      self.opening = try StoreFile(path: folder).opening
    }
  }

  /// Runs `body` with a store that is open.
  static func with<R>(
    _ place: Place = .fileInProcess, ttl: Duration = .seconds(30),
    opening: ((String) throws -> StoreOpening)? = nil,
    _ body: (StoreFixture) async throws -> R
  ) async throws -> R {
    try await ScratchFolder.with { scratch in
      let fixture = try StoreFixture(place, folder: scratch.path, ttl: ttl, opening: opening)
      try fixture.serverLoop.start()
      try fixture.clientLoop.start()
      do {
        try await fixture.start()
        let result = try await body(fixture)
        await fixture.stop()
        fixture.endLoops()
        return result
      } catch {
        await fixture.stop()
        fixture.endLoops()
        throw error
      }
    }
  }

  private func endLoops() {
    clientLoop.stop()
    serverLoop.stop()
    clientLoop.join()
    serverLoop.join()
  }

  /// Opens the store and serves it.
  func start() async throws {
    let store = try await OpenStore(
      opening, on: serverLoop, leaseTTL: leaseTTL, backupPath: folder,
      metrics: Metrics())
    var options = ServerOptions(callers: CallerTable(ownUID: getuid()))
    options.limits.drainTimeout = .seconds(2)
    let server = Server(loop: serverLoop, services: [store.definition], options: options)
    if place == .fileOverSocket {
      let bound = try await server.listen(on: .unix(path: socket))
      address.withLock { $0 = bound }
    }
    open.withLock { $0 = (store, server) }
  }

  /// As SIGTERM would.
  func stop() async {
    guard let (store, server) = open.withLock({ $0.take() }) else { return }
    store.endStreams()
    await server.drain()
    await store.close()
  }

  /// Stops and opens again over the same file.
  func restart() async throws {
    await stop()
    try await start()
  }

  var store: OpenStore { get throws { try #require(open.withLock { $0?.store }) } }

  // MARK: Clients

  func channel() throws -> Channel {
    if let bound = address.withLock({ $0 }) { return Channel(to: bound, on: clientLoop) }
    let server = try #require(open.withLock { $0?.server })
    var options = ChannelOptions()
    options.connector = .inProcess(to: server)
    return Channel(to: .unix(path: "/in-process"), on: clientLoop, options: options)
  }

  func client() throws -> StoreClient { StoreClient(try channel()) }

  /// A replica that attends until the fixture is gone.
  func replica(
    _ client: StoreClient? = nil, holder: String = "replica", ttl: Duration? = nil,
    session: String = ""
  ) async throws -> Replica {
    let client = if let client { client } else { try self.client() }
    let replica = try await Replica(client, holder: holder, ttl: ttl, session: session)
    replicas.withLock { $0.append(replica) }
    return replica
  }

  static func product(_ name: String) -> CallOptions {
    var options = CallOptions()
    options.metadata.add(ProductAuthenticator.header, name)
    return options
  }
}

/// The model behind a lock, for a service that uses several threads.
final class SharedModel: StoreUpkeep, StoreReading, Sendable {
  private let model = Lock(StoreModel())

  func write(
    _ orders: [WriteOrder], atMicroseconds now: Int64
  ) -> [Result<WriteReceipt, Fault>] {
    model.withLock { $0.write(orders, atMicroseconds: now) }
  }
  func leases() throws(Fault) -> [StoredLease] {
    try model.withLock { model throws(Fault) in try model.leases() }
  }
  func runsWantingOwner() throws(Fault) -> [RunName] {
    try model.withLock { model throws(Fault) in try model.runsWantingOwner() }
  }
  func tidy() {}
  func rest() {}
  var fault: Fault? { nil }
  var logBytes: Int { 0 }
  var journalAbsence: String? { nil }
  func beginCopy(to path: String) throws(Fault) -> any StoreCopying {
    try model.withLock { model throws(Fault) in
      throw Fault(.unimplemented, reason: "NO_BACKUP", "No.")
    }
  }
  func run(_ id: String, of product: ProductScope) throws(Fault) -> GetRunResponse {
    try model.withLock { model throws(Fault) in try model.run(id, of: product) }
  }
  func runs(
    _ request: ListRunsRequest, of product: ProductScope
  ) throws(Fault) -> ListRunsResponse {
    try model.withLock { model throws(Fault) in try model.runs(request, of: product) }
  }
  func events(
    of runID: String, after seq: Int64, countMax: Int, of product: ProductScope
  ) throws(Fault) -> [Event] {
    try model.withLock { model throws(Fault) in
      try model.events(of: runID, after: seq, countMax: countMax, of: product)
    }
  }
  func units(
    _ request: ReadUnitsRequest, of product: ProductScope
  ) throws(Fault) -> ReadUnitsResponse {
    try model.withLock { model throws(Fault) in try model.units(request, of: product) }
  }
  func verdicts(forKeys keys: [String], of product: ProductScope) throws(Fault) -> [Verdict] {
    try model.withLock { model throws(Fault) in try model.verdicts(forKeys: keys, of: product) }
  }
  func latest(
    _ request: LatestVerdictsRequest, afterSubject: String, countMax: Int, of product: ProductScope
  ) throws(Fault) -> [Verdict] {
    try model.withLock { model throws(Fault) in
      try model.latest(request, afterSubject: afterSubject, countMax: countMax, of: product)
    }
  }
  func history(
    _ request: VerdictHistoryRequest, behind position: Int64, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> VerdictPage {
    try model.withLock { model throws(Fault) in
      try model.history(request, behind: position, countMax: countMax, of: product)
    }
  }
  func query(
    _ request: QueryVerdictsRequest, of product: ProductScope
  ) throws(Fault) -> QueryVerdictsResponse {
    try model.withLock { model throws(Fault) in try model.query(request, of: product) }
  }
  func rubric(_ hash: String, of product: ProductScope) throws(Fault) -> Rubric {
    try model.withLock { model throws(Fault) in try model.rubric(hash, of: product) }
  }
  func labels(
    _ request: ListLabelsRequest, of product: ProductScope
  ) throws(Fault) -> ListLabelsResponse {
    try model.withLock { model throws(Fault) in try model.labels(request, of: product) }
  }
  func verdict(_ id: String, of product: ProductScope) throws(Fault) -> Verdict {
    try model.withLock { model throws(Fault) in try model.verdict(id, of: product) }
  }
}
