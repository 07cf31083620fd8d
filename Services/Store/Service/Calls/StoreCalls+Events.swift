import Faults
import Feed
import RPC
import ScoreContract
import StoreBackend
import StoreContract

extension StoreCalls {
  func readEvents(
    _ request: ReadEventsRequest, responses: ResponseWriter<ReadEventsResponse>,
    context: ServerContext
  ) async throws {
    let product = try product(context)
    let run = RunName(product: product, runID: request.runId)
    let batchMax = request.batchMax == 0 ? nil : Int(request.batchMax)
    let readers = readers
    try await feed.follow(
      run, after: request.afterSeq, entriesMax: batchMax,
      replay: { seq in
        try await readers.ask(.quick) { reader in
          try reader.events(
            of: run.runID, after: seq, countMax: StoreLimits.eventsPerMessageMax, of: product)
        }
      },
      { follower in
        // An ended run may have been resumed since: it ends with the last of what there is.
        var hasEnded = false
        while let batch = try await follower.next(waiting: request.follow && !hasEnded) {
          hasEnded = batch.entries.last?.endsRun == true
          try await responses.send(batch.shared.message)
        }
      })
  }

  // MARK: - Leases

  func attend(
    _ request: AttendRequest, responses: ResponseWriter<Attendance>, context: ServerContext
  ) async throws {
    let ttl = try sessionTTL(request)
    let seat = try desk.attend(continuing: request.session, holder: request.holder, ttl: ttl)
    defer { desk.left(seat) }
    let opened = AttendanceOpened(
      session: seat.session, ttlMs: Int64(ttl / .milliseconds(1)), isContinued: seat.isContinued)
    try await responses.send(Attendance(kind: .opened(opened)))
    if seat.isContinued { try await tellMissed(seat, responses) }
    while true {
      switch try await seat.mailbox.next() {
      case .notices(let notices):
        for notice in notices { try await responses.send(notice) }
      case .listing:
        for key in desk.offered { try await responses.send(.wantsOwner(key)) }
      case .ended(let fault): throw fault
      }
    }
  }

  /// What was asked of its runs while nobody attended for the session.
  private func tellMissed(
    _ seat: LeaseDesk.Seat, _ responses: ResponseWriter<Attendance>
  ) async throws {
    for key in desk.wanted(among: seat.held) {
      let run = try await readers.ask(.quick) { try $0.run(key.name, of: key.product).run }
      guard let request = run?.requested, request != .unspecified else { continue }
      let asked = RunIsRequested(product: key.product.name, runId: key.name, request: request)
      try await responses.send(Attendance(kind: .requested(asked)))
    }
  }

  private func sessionTTL(_ request: AttendRequest) throws(Fault) -> Duration {
    guard request.ttlMs == 0 || SessionLimits.ttlMilliseconds.contains(request.ttlMs),
      request.holder.utf8.count <= StoreLimits.idBytesMax,
      request.session.utf8.count <= StoreLimits.idBytesMax
    else {
      throw Fault(
        .invalidArgument, reason: "BAD_ATTENDANCE",
        "A session lives between 50 ms and 10 minutes without a sign; names are short.",
        violations: [.init(field: "ttl_ms", description: "is out of bounds")])
    }
    return request.ttlMs == 0 ? desk.ttlDefault : .milliseconds(request.ttlMs)
  }

  func renewSession(
    _ request: RenewSessionRequest, context: ServerContext
  ) async throws -> RenewSessionResponse {
    RenewSessionResponse(leases: UInt32(clamping: try desk.renew(request.session)))
  }

  func acquireLease(
    _ request: AcquireLeaseRequest, context: ServerContext
  ) async throws -> AcquireLeaseResponse {
    let key = LeaseKey(product: try product(context), name: request.name)
    try RequestCheck.lease(request.name, session: request.session)
    let token: UInt64
    switch try desk.acquire(key, for: request.session) {
    case .held(let known): token = known
    case .write:
      do {
        let receipt = try await queue.write(
          .acquireLease(key.product, name: key.name, session: request.session))
        guard case .leaseAcquired(let fresh) = receipt else { throw Self.wrongReceipt }
        token = fresh
      } catch {
        desk.notAcquired(key)
        throw error
      }
      try desk.acquired(key, for: request.session, token: token)
    }
    let remaining = Int64(desk.remaining(of: request.session) / .milliseconds(1))
    return AcquireLeaseResponse(
      lease: Lease(
        name: key.name, session: request.session, token: token, remainingMs: remaining))
  }

  func releaseLease(
    _ request: ReleaseLeaseRequest, context: ServerContext
  ) async throws -> ReleaseLeaseResponse {
    let key = LeaseKey(product: try product(context), name: request.name)
    try RequestCheck.lease(request.name, session: request.session)
    try desk.release(key, by: request.session, token: request.token)
    return ReleaseLeaseResponse()
  }
}

/// Bounds on sessions.
enum SessionLimits {
  static let ttlMilliseconds: ClosedRange<Int64> = 50...600_000
}
