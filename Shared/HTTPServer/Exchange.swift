import EventLoop

/// One request and its answer: what its handler, which may outlive the connection, holds on to.
///
/// `@unchecked Sendable`: but for constants, everything is touched on the loop's thread only.
final class Exchange: @unchecked Sendable {
  enum Answer {
    case none
    case whole(HTTPResponse)
    case stream(StreamBuffer, status: Int, HTTPResponseHeaders)
  }

  /// Where the body's bytes go.
  enum Sink {
    case dropped
    case collected([UInt8], HTTPHandler)
    case queued(ChunkQueue)
  }

  let loop: EventLoop
  let head: HTTPRequestHead
  let bodyBytesMax: Int
  private let core: ServerCore
  /// Nil once the connection is done with this request.
  private weak var connection: Connection?

  private(set) var answer = Answer.none
  private(set) var isGone = false
  /// Whether the library holds the answer.
  var isQueued = false
  var sink = Sink.dropped
  private(set) var receivedCount = 0
  /// Bytes of the body that count as held: while they come, and in the handler's hands.
  private var heldCount = 0
  private var isHandlerHolding = false
  private var isWaitingForRoom = false
  /// Its body would have waited for too long.
  private(set) var isOverloaded = false
  private var task: Task<Void, Never>?
  private var isCancelled = false
  private var goneHandlers: [() -> Void] = []
  private var isDetached = false

  init(_ head: HTTPRequestHead, bodyBytesMax: Int, on connection: Connection) {
    self.head = head
    self.bodyBytesMax = bodyBytesMax
    self.connection = connection
    core = connection.core
    loop = core.loop
  }

  /// Whether some of a body of known length is still to be collected.
  var lacksBody: Bool {
    guard case .collected = sink, let length = head.contentLength else { return false }
    return receivedCount < length
  }

  var hasAnswer: Bool { if case .none = answer { false } else { true } }

  // MARK: The handler

  /// Runs `body` up to its first wait before it returns: a handler that waits for nothing answers
  /// within the callback that brought its request.
  func start(_ body: @escaping @Sendable (HTTPResponder) async throws -> Void) {
    core.requestStarted()
    let task = Task.immediate(executorPreference: loop) {
      do {
        try await body(HTTPResponder(exchange: self))
        self.loop.here { self.handlerEnded(nil) }
      } catch {
        let text = "\(error)"
        self.loop.here { self.handlerEnded(text) }
      }
    }
    self.task = task
    if isCancelled { task.cancel() }
  }

  private func handlerEnded(_ failure: String?) {
    task = nil
    isHandlerHolding = false
    release()
    goneHandlers = []
    core.requestEnded()
    if let failure, !isGone { core.report(.handlerFailed(failure), head.peer) }
    guard !hasWholeAnswer else { return }
    // What another thread said before the handler ended may still wait in the loop's inbox, which
    // is taken between these two.
    loop.execute { self.loop.execute { self.settleUnanswered() } }
  }

  private func settleUnanswered() {
    switch answer {
    case .none: _ = settle(.whole(core.errorBody(.handlerFailed, head)))
    case .stream(let stream, _, _) where stream.ending == .open:
      stream.cut()
      connection?.wake()
    case .whole, .stream: break
    }
  }

  func cancelHandler() {
    isCancelled = true
    task?.cancel()
  }

  // MARK: Answers

  func answer(_ response: HTTPResponse) -> Bool {
    guard (200...999).contains(response.status), response.headers.areWellFormed else {
      core.report(.handlerFailed("An answer that HTTP cannot carry"), head.peer)
      return settle(.whole(core.errorBody(.handlerFailed, head)))
    }
    return settle(.whole(response))
  }

  func openStream(
    _ status: Int, _ headers: HTTPResponseHeaders
  ) -> Result<StreamBuffer, HTTPConnectionError> {
    guard !hasAnswer else { return .failure(.alreadyAnswered) }
    guard !isGone else { return .failure(.clientGone) }
    guard (200...999).contains(status), headers.areWellFormed else {
      core.report(.handlerFailed("An answer that HTTP cannot carry"), head.peer)
      _ = settle(.whole(core.errorBody(.handlerFailed, head)))
      return .failure(.alreadyAnswered)
    }
    let stream = StreamBuffer(bytesMax: core.limits.streamBufferBytesMax)
    guard !isDetached else { return .failure(.clientGone) }
    _ = settle(.stream(stream, status: status, headers))
    return .success(stream)
  }

  private func settle(_ answer: Answer) -> Bool {
    guard !hasAnswer else { return false }
    self.answer = answer
    dropBody()
    connection?.wake()
    return true
  }

  /// True when there is room for more at once.
  func write(_ bytes: [UInt8], to stream: StreamBuffer) -> Result<Bool, HTTPConnectionError> {
    // Nobody who answers a HEAD need know: what is written goes nowhere.
    guard !isHeadOnly else { return .success(true) }
    switch stream.ending {
    case .cut: return .failure(.clientGone)
    case .finished: return .failure(.alreadyAnswered)
    case .open: break
    }
    stream.append(bytes)
    connection?.wake()
    return .success(stream.hasRoom)
  }

  func finish(_ stream: StreamBuffer) {
    guard stream.ending == .open else { return }
    stream.finish()
    connection?.wake()
  }

  // MARK: The body

  /// False when it is longer than the route allows.
  func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    receivedCount += bytes.count
    guard receivedCount <= bodyBytesMax else { return false }
    switch sink {
    case .dropped: break
    case .collected(var body, let handler):
      // Out of its place while it grows, or each append would copy it.
      sink = .dropped
      if body.isEmpty, let length = head.contentLength { body.reserveCapacity(length) }
      unsafe body.append(contentsOf: bytes)
      sink = .collected(body, handler)
    case .queued(let queue): unsafe queue.push(bytes)
    }
    return true
  }

  /// Makes room for a body that grows. False when all bodies together are too many.
  func hold(_ count: Int) -> Bool {
    guard core.holdBody(count) else { return false }
    heldCount += count
    return true
  }

  /// Makes room for a body of a known length; with `later` its connection sleeps until then.
  func holdWhole(_ count: Int) -> HeldBodies.Room {
    let room = core.holdBody(count, for: self)
    if room == .never { return room }
    isWaitingForRoom = room == .later
    if room == .now { heldCount = count }
    return room
  }

  func roomCame() {
    isWaitingForRoom = false
    heldCount = head.contentLength ?? 0
    connection?.bodyHasRoom()
  }

  func roomNeverCame() {
    isWaitingForRoom = false
    isOverloaded = true
    connection?.bodyHasRoom()
  }

  func dropBody() {
    if case .queued(let queue) = sink { queue.end() }
    sink = .dropped
    release()
  }

  /// The body is in its handler's hands until that ends.
  func handOver() { isHandlerHolding = true }

  /// Gives the body's room back, once nobody has it any more.
  private func release() {
    if isWaitingForRoom {
      isWaitingForRoom = false
      core.stopsWaiting(self)
    }
    guard !isHandlerHolding, heldCount > 0 else { return }
    let count = heldCount
    heldCount = 0
    core.holdBody(releasing: count)
  }

  // MARK: The end

  func onGone(_ body: @escaping () -> Void) {
    if isGone { body() } else if !isDetached { goneHandlers.append(body) }
  }

  /// The client has left, or will get no more.
  func peerLeft() {
    guard !isGone, !isDetached else { return }
    isGone = true
    let handlers = goneHandlers
    goneHandlers = []
    if case .queued(let queue) = sink { queue.end(.clientGone) }
    if case .stream(let stream, _, _) = answer { stream.cut() }
    for handler in handlers { handler() }
  }

  /// The connection is done with this request; `isComplete` when its answer went out whole.
  func detach(isComplete: Bool) {
    if !isComplete { peerLeft() }
    isDetached = true
    connection = nil
    goneHandlers = []
    release()
  }

  /// Runs `body` on the loop, where an exchange lives.
  func onLoop<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    await loop.value(body)
  }
}
