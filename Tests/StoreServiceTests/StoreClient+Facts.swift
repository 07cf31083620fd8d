import EventLoop
import Faults
import RPC
import ScoreContract
import StoreContract
import Testing

/// One replica as the store sees it: a stream that attends, and the leases of its session.
struct Replica {
  let client: StoreClient
  let stream: ResponseStream<Attendance>
  let session: String
  let isContinued: Bool

  init(
    _ client: StoreClient, holder: String = "replica", ttl: Duration? = nil, session: String = ""
  ) async throws {
    self.client = client
    let milliseconds = ttl.map { Int64($0 / .milliseconds(1)) } ?? 0
    stream = client.attend(
      AttendRequest(holder: holder, ttlMs: milliseconds, session: session))
    let first = try await stream.next()
    guard case .opened(let opened) = first?.kind else {
      throw Fault(.internal, reason: "TEST", "The stream did not open.")
    }
    self.session = opened.session
    isContinued = opened.isContinued
  }

  func acquire(_ name: String, options: CallOptions = CallOptions()) async throws -> Lease {
    let response = try await client.acquireLease(
      AcquireLeaseRequest(session: session, name: name), options: options)
    return try #require(response.lease)
  }

  func release(_ lease: Lease) async throws {
    _ = try await client.releaseLease(
      ReleaseLeaseRequest(session: session, name: lease.name, token: lease.token))
  }

  func renew() async throws -> UInt32 {
    try await client.renewSession(RenewSessionRequest(session: session)).leases
  }

  /// The next thing that it is told; runs that want an owner and that are not asked for are
  /// passed over.
  func told(passingOver isPassedOver: (Attendance) -> Bool = { _ in false }) async throws
    -> Attendance?
  {
    while let notice = try await stream.next() {
      if !isPassedOver(notice) { return notice }
    }
    return nil
  }
}

extension StoreClient {
  /// A run with so many open units, at work, and the lease under which it is.
  func runAtWork(
    _ id: String = "r1", units: Int = 4, by replica: Replica
  ) async throws -> Lease {
    _ = try await createRun(Facts.run(id))
    let lease = try await replica.acquire(id)
    _ = try await commit(
      Facts.commit("plan-\(id)", Facts.plan(units, of: id), of: id, under: lease))
    return lease
  }

  /// All events behind a sequence, without following.
  func events(of run: String, after seq: Int64 = 0) async throws -> [Event] {
    try await readEvents(ReadEventsRequest(runId: run, afterSeq: seq)).reduce(into: []) {
      $0 += $1.events
    }
  }
}

/// The fault that `body` throws.
func fault(_ body: () async throws -> Void) async -> Fault? {
  do {
    try await body()
    return nil
  } catch {
    return Fault(describing: error)
  }
}
