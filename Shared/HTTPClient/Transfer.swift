import CCurl
import EventLoop
import Synchronization

/// One exchange, from `send` to the last byte of its answer.
///
/// libcurl's callbacks change it; `tell()` then wakes whoever waits, once libcurl has returned,
/// so that head and body that came together are handed over together.
final class Transfer: @unchecked Sendable {
  // Sendable because constants are constants, the atomic locks itself, and the rest is touched on
  // the loop's thread only.
  let endpoint: HTTPEndpoint
  let request: HTTPClientRequest
  let timeouts: HTTPTimeouts
  let receivedByteCount = Atomic<Int>(0)

  enum Stage { case new, resolving, connecting, exchanging, over }

  private(set) var stage = Stage.new
  private(set) var handle: EasyHandle?
  var outgoing: OutgoingBody
  var clock = TransferClock()
  private(set) var head = ResponseHead()
  /// What came of the body and was not read yet.
  private var buffer: [UInt8] = []
  private(set) var isReceivePaused = false
  private var isSendPaused = false
  private var isNoted = false
  /// Why a callback told libcurl to give up.
  private var refusal: HTTPClientError?
  /// Set once, at the end; nil then means that all went well.
  private var failure: HTTPClientError?
  private var hasToldFailure = false

  private var headWaiter: Waiter<Result<HTTPClientResponse, HTTPClientError>>?
  private var chunkWaiter: Waiter<Result<[UInt8]?, HTTPClientError>>?
  private var feedWaiter: Waiter<Bool>?

  // Facts.
  private(set) var attemptCount = 0
  /// What libcurl had sent when the connection was ready: a proxy's CONNECT, or nothing.
  private(set) var byteCountAtConnection = 0
  private(set) var connectedAt: UInt64 = 0
  private(set) var headAt: UInt64 = 0
  /// The facts of an exchange whose handle is gone already.
  private(set) var captured: HTTPExchangeFacts?

  var client: HTTPClient { endpoint.client }
  var loop: EventLoop { client.loop }

  init(_ request: HTTPClientRequest, to endpoint: HTTPEndpoint) {
    self.request = request
    self.endpoint = endpoint
    timeouts = request.timeouts ?? endpoint.upstream.timeouts
    outgoing = OutgoingBody(request.body)
  }

  // MARK: The caller's side

  /// Runs until the head has come.
  func run() async -> Result<HTTPClientResponse, HTTPClientError> {
    await withTaskCancellationHandler {
      await wait { waiter in onLoop { self.begin(waiter) } }
    } onCancel: {
      loop.execute { self.cancel() }
    }
  }

  /// What came of the body; nil at its end.
  func nextChunk() async -> Result<[UInt8]?, HTTPClientError> {
    if loop.isCurrent, let ready = takeChunk() { return ready }
    return await withTaskCancellationHandler {
      await wait { waiter in onLoop { self.awaitChunk(waiter) } }
    } onCancel: {
      loop.execute { self.cancel() }
    }
  }

  func onLoop(_ body: @escaping @Sendable () -> Void) {
    if loop.isCurrent { body() } else { loop.execute(body) }
  }

  /// Nobody reads any more. Any thread.
  func letGo() {
    if loop.isCurrent && stage == .over { return buffer = [] }
    loop.execute { self.cancel() }
  }

  func tooLarge(_ max: Int) -> HTTPClientError {
    var error = HTTPClientError(
      .bodyTooLarge, "The answer of \(endpoint.upstream.origin) has more than \(max) bytes")
    (error.wasSent, error.wasAnswered) = (true, true)
    return error
  }

  // MARK: Beginning

  private func begin(_ waiter: Waiter<Result<HTTPClientResponse, HTTPClientError>>) {
    // The cancellation may have come first.
    guard stage == .new else {
      return waiter.resume(returning: .failure(failure ?? error(.cancelled, "Cancelled")))
    }
    headWaiter = waiter
    clock.begunAt = loop.nowNanoseconds
    do throws(HTTPClientError) {
      try client.admit(self)
      stage = .resolving
      if endpoint.addresses.isReady(for: self) { try connect() } else { checkDeadlines() }
    } catch {
      fail(error)
    }
  }

  func addressesReady() {
    guard stage == .resolving else { return }
    do throws(HTTPClientError) { try connect() } catch { fail(error) }
  }

  private func connect() throws(HTTPClientError) {
    stage = .connecting
    checkDeadlines()
    let handle = try endpoint.takeHandle()
    self.handle = handle
    try handle.prepare(self)
    guard client.start(handle) else { throw error(.internal, "libcurl takes no call") }
  }

  // MARK: What libcurl's callbacks say

  func mayConnect(to address: NetworkAddress?) -> Bool {
    guard let address, endpoint.upstream.policy.allows(address) else {
      refusal = HTTPClientError(
        .addressRefused, "The address that \(endpoint.upstream.origin) has may not be connected to")
      return false
    }
    return true
  }

  /// A connection is ready, and the request about to go out on it.
  ///
  /// libcurl tries another connection when a kept one dies without an answer, even after it took
  /// the whole request: here that ends, because the peer may have acted on it.
  func connected() -> Bool {
    guard let handle else { return false }
    attemptCount += 1
    let sent = handle.requestByteCount
    if attemptCount > 1, sent > byteCountAtConnection {
      refusal = error(
        wasBroken ? .reset : .closedEarly, "A kept connection ended after it took the request")
      return false
    }
    byteCountAtConnection = sent
    stage = .exchanging
    progressed()
    connectedAt = clock.progressedAt
    checkDeadlines()
    return true
  }

  func receivedHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    switch unsafe head.take(line, max: client.limits.responseHeadBytesMax) {
    case .goesOn: return true
    case .complete:
      progressed()
      headAt = clock.progressedAt
      checkDeadlines()
      note()
      return true
    case .tooLarge:
      refusal = error(
        .headTooLarge, "A head of more than \(client.limits.responseHeadBytesMax) bytes")
    case .malformed:
      refusal = error(.protocolViolation, "The first line is no status line")
    }
    return false
  }

  enum Receipt { case taken, paused, refused }

  func receivedBody(_ part: UnsafeRawBufferPointer) -> Receipt {
    // What one read has brought, libcurl keeps until we go on: inflated, if it was compressed.
    guard buffer.count < client.limits.bufferedBytesMax else {
      isReceivePaused = true
      return .paused
    }
    let max = request.responseBodyBytesMax ?? client.limits.responseBodyBytesMax
    let total = receivedByteCount.load(ordering: .relaxed) + part.count
    guard total <= max else {
      refusal = tooLarge(max)
      return .refused
    }
    receivedByteCount.store(total, ordering: .relaxed)
    unsafe buffer.append(contentsOf: part)
    progressed()
    note()
    return .taken
  }

  enum Filling { case filled(Int), paused, failed }

  func fill(_ space: UnsafeMutableRawBufferPointer) -> Filling {
    progressed()
    let count = unsafe outgoing.copy(into: space)
    if outgoing.isTaken { checkDeadlines() }
    note()
    if count > 0 || outgoing.isTaken { return .filled(count) }
    guard outgoing.hasSource, !outgoing.hasSourceEnded else {
      refusal = error(
        .sourceFailed,
        "The body's source ended after \(outgoing.takenByteCount) of \(outgoing.byteCount) bytes")
      return .failed
    }
    isSendPaused = true
    return .paused
  }

  /// The end as libcurl sees it.
  func ended(_ code: CURLcode) {
    if let refusal {
      finish(refusal)
    } else if code != CURLE_OK {
      finish(curlError(code))
    } else if !head.isComplete {
      finish(error(.closedEarly, "The answer ended within its head"))
    } else {
      finish(nil)
    }
  }

  // MARK: Telling

  /// Has `tell()` called once libcurl has returned.
  private func note() {
    guard !isNoted else { return }
    isNoted = true
    client.note(self)
  }

  func tell() {
    isNoted = false
    if let waiter = headWaiter, let response = response() {
      headWaiter = nil
      waiter.resume(returning: response)
    }
    if chunkWaiter != nil, let chunk = takeChunk() { chunkWaiter.take()?.resume(returning: chunk) }
    if isFeedWelcome || stage == .over { feedWaiter.take()?.resume(returning: stage != .over) }
  }

  private func response() -> Result<HTTPClientResponse, HTTPClientError>? {
    if let failure, !head.isComplete || stage == .over && buffer.isEmpty {
      hasToldFailure = true
      return .failure(failure)
    }
    guard head.isComplete, let facts else { return nil }
    return .success(
      HTTPClientResponse(
        status: head.status, headers: head.takeHeaders(), body: HTTPResponseBody(self),
        facts: facts))
  }

  /// What a reader gets now; nil when it has to wait.
  private func takeChunk() -> Result<[UInt8]?, HTTPClientError>? {
    guard buffer.isEmpty else {
      let chunk = buffer
      buffer = []
      resumeReceiving()
      return .success(chunk)
    }
    guard stage == .over else { return nil }
    guard let failure, !hasToldFailure else { return .success(nil) }
    hasToldFailure = true
    return .failure(failure)
  }

  private func awaitChunk(_ waiter: Waiter<Result<[UInt8]?, HTTPClientError>>) {
    if let chunk = takeChunk() { return waiter.resume(returning: chunk) }
    guard chunkWaiter == nil else {
      let error = HTTPClientError(.bodyAlreadyRead, "A body has one reader")
      return waiter.resume(returning: .failure(error))
    }
    chunkWaiter = waiter
  }

  private func resumeReceiving() {
    guard isReceivePaused, stage == .exchanging, let handle else { return }
    isReceivePaused = false
    progressed()
    checkDeadlines()
    resume(handle)
  }

  /// What libcurl had kept may be refused now: it tells only us, and does not end by itself.
  private func resume(_ handle: EasyHandle) {
    let code = client.resume(handle)
    if code != CURLE_OK, stage != .over { ended(code) }
  }

  // MARK: Feeding

  /// Asks the source for its bytes, a few chunks ahead of the socket.
  func feed(from source: any HTTPBodySource) async {
    do {
      while await wait({ waiter in onLoop { self.awaitFeed(waiter) } }) {
        let chunk = try await source.next()
        onLoop { self.take(chunk) }
        if chunk == nil { return }
      }
    } catch {
      onLoop { self.fail(self.error(.sourceFailed, "The body's source failed")) }
    }
  }

  /// Whether the source is asked for more now.
  private var isFeedWelcome: Bool {
    outgoing.waitingChunkCount < client.limits.chunksAheadMax && !isAnsweredWithError
  }

  /// libcurl stops to send when the peer has refused the request.
  private var isAnsweredWithError: Bool { head.isComplete && head.status >= 300 }

  private func awaitFeed(_ waiter: Waiter<Bool>) {
    guard stage != .over else { return waiter.resume(returning: false) }
    if isFeedWelcome { return waiter.resume(returning: true) }
    feedWaiter = waiter
  }

  private func take(_ chunk: [UInt8]?) {
    guard stage != .over else { return }
    if let chunk {
      guard outgoing.hasRoom(for: chunk.count) else {
        return fail(
          error(.sourceFailed, "The body's source gives more than \(outgoing.byteCount) bytes"))
      }
      outgoing.append(chunk)
    } else {
      outgoing.hasSourceEnded = true
    }
    guard isSendPaused, let handle else { return }
    isSendPaused = false
    resume(handle)
  }

  // MARK: Ending

  func cancel() {
    guard stage != .over else { return buffer = [] }
    fail(error(.cancelled, "The call was cancelled"))
    buffer = []
  }

  /// Ends the exchange from our side; its connection is closed.
  func fail(_ error: HTTPClientError) {
    guard stage != .over else { return }
    finish(error)
  }

  private func finish(_ error: HTTPClientError?) {
    failure = error
    let before = stage
    stage = .over
    clock.timer?.cancel()
    clock.timer = nil
    if before == .resolving { endpoint.addresses.leave(self) }
    if error?.code == .notConnected || error?.code == .connectTimeout {
      endpoint.addresses.suspect()
    }
    outgoing.drop()
    if head.isComplete, headWaiter != nil { captured = facts }
    if let handle = handle.take() {
      client.remove(handle)
      // One that failed goes: it keeps the kernel's error, which the next failure would be given.
      if error == nil { endpoint.giveBack(handle) } else { handle.transfer = nil }
    }
    client.discharge(self)
    note()
  }
}
