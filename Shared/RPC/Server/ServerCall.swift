import Faults
package import Protobuf
package import RPCStream

/// The typed half of one call on the server, made by its method's handler when headers arrive.
protocol ServerCall: AnyObject, Sendable {
  /// Takes one message off the wire; a malformed one ends the call.
  func receive(_ message: RawSpan, isCompressed: Bool) throws
  /// The caller will send no more.
  func requestEnded() throws
  /// The call is over before the handler is: cancelled, reset, out of time.
  func abort(_ fault: Fault)
  /// Notes bytes off the wire; answers how many the caller may have room for again.
  func arrived(_ count: Int) -> Int
  /// Streaming handlers start with the headers, unary ones when their request is whole.
  var startsWithHeaders: Bool { get }
  var wasLastRequestCompressed: Bool { get }
  /// The handler, to its end; its answer goes out through `context.stream`.
  func run(_ context: ServerContext) async throws
}

/// One request message, one or many answers.
///
/// `@unchecked Sendable`: the loop writes it until the request is whole, and only then starts the
/// task that reads it. A lock of this generic state would look up its type at run time.
final class SingleRequestCall<Request: WireMessage>: ServerCall, @unchecked Sendable {
  // Not an optional: of a generic type that is looked up at run time, for each use.
  private var request = Request()
  private var requestCount = 0
  private(set) var wasLastRequestCompressed = false
  private let body: @Sendable (Request, ServerContext) async throws -> Void

  init(_ body: @escaping @Sendable (Request, ServerContext) async throws -> Void) {
    self.body = body
  }

  var startsWithHeaders: Bool { false }

  func receive(_ message: RawSpan, isCompressed: Bool) throws {
    request = try Request(unpacking: message)
    requestCount += 1
    wasLastRequestCompressed = isCompressed
    if requestCount > 1 { throw WrongCount.fault }
  }

  func requestEnded() throws {
    if requestCount == 0 { throw WrongCount.fault }
  }

  func abort(_ fault: Fault) {}
  func arrived(_ count: Int) -> Int { count }

  func run(_ context: ServerContext) async throws {
    try await body(request, context)
  }
}

/// Not exactly one request where one is due.
private enum WrongCount {
  static var fault: Fault {
    Fault(
      .unimplemented, reason: "REQUEST_COUNT",
      "This method takes exactly one request message.")
  }
}

/// Many request messages.
final class StreamedRequestCall<Request: WireMessage>: ServerCall {
  let queue = MessageQueue<Request>()
  private let body: @Sendable (RequestStream<Request>, ServerContext) async throws -> Void

  init(_ body: @escaping @Sendable (RequestStream<Request>, ServerContext) async throws -> Void) {
    self.body = body
  }

  var startsWithHeaders: Bool { true }
  var wasLastRequestCompressed: Bool { queue.isLastTakenCompressed }

  func receive(_ message: RawSpan, isCompressed: Bool) throws {
    queue.push(try Request(unpacking: message), isCompressed: isCompressed)
  }

  func requestEnded() { queue.finish() }
  func abort(_ fault: Fault) { queue.fail(fault, dropping: true) }
  func arrived(_ count: Int) -> Int { queue.arrived(count) }

  func run(_ context: ServerContext) async throws {
    queue.onCredit { [stream = context.stream] in stream.credit($0) }
    try await body(RequestStream(queue: queue), context)
  }
}

/// The request messages of a streaming call, in order.
package struct RequestStream<Message: WireMessage>: AsyncSequence, Sendable {
  package typealias Element = Message
  let queue: MessageQueue<Message>

  package struct AsyncIterator: AsyncIteratorProtocol {
    let queue: MessageQueue<Message>
    package mutating func next() async throws -> Message? { try await queue.next() }
  }

  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: queue) }

  /// The next message; nil when the caller is done. The stream is read once, by one task.
  package func next() async throws -> Message? { try await queue.next() }
}

/// Where a streaming handler sends its answers.
package struct ResponseWriter<Message: WireMessage>: Sendable {
  let stream: ServerStream

  /// Sends one message; waits while the peer has not taken what was sent before.
  package func send(_ message: Message) async throws { try await stream.send(message) }

  /// The same for a message that was packed before, for many callers at once. It goes out as it
  /// is, also where the other messages of the stream are compressed.
  package func send(_ packed: PackedMessage<Message>) async throws {
    try await stream.send(framed: packed.framed)
  }
}
