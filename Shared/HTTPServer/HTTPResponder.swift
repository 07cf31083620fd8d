import EventLoop

/// Answers one request, once: whole, or as a stream. Any task may use it; keep it no longer than
/// the handler runs.
package struct HTTPResponder: Sendable {
  let exchange: Exchange

  /// Answers whole. Only the first answer counts; true when this is the first.
  ///
  /// From another thread than the loop's the order is that of the calls, and the answer true.
  @discardableResult
  package func respond(_ response: HTTPResponse) -> Bool {
    let exchange = exchange
    guard exchange.loop.isCurrent else {
      exchange.loop.execute { _ = exchange.answer(response) }
      return true
    }
    return exchange.answer(response)
  }

  /// Opens a stream: the head goes out at once, what is written follows in chunks.
  ///
  /// To a client of HTTP/1.0 the stream's end is the connection's.
  package func stream(
    _ status: Int, _ headers: HTTPResponseHeaders = [:]
  ) async throws(HTTPConnectionError) -> HTTPStreamWriter {
    let exchange = exchange
    let opened = await exchange.onLoop { exchange.openStream(status, headers) }
    return HTTPStreamWriter(exchange: exchange, stream: try opened.get())
  }

  /// Calls `body` on the loop when the client leaves before its answer is complete, also when it
  /// has left already; half-closing its connection counts as leaving.
  package func onGone(_ body: @escaping @Sendable () -> Void) {
    let exchange = exchange
    guard exchange.loop.isCurrent else {
      return exchange.loop.execute { exchange.onGone(body) }
    }
    exchange.onGone(body)
  }

  /// Asks for the handler's cancellation when the client leaves.
  package func cancelWhenGone() {
    let exchange = exchange
    onGone { exchange.cancelHandler() }
  }
}

/// Writes the body of a stream, in order.
package struct HTTPStreamWriter: Sendable {
  let exchange: Exchange
  let stream: StreamBuffer

  /// Sends `bytes` at once; waits while more than `streamBufferBytesMax` wait for the client.
  package func write(_ bytes: [UInt8]) async throws(HTTPConnectionError) {
    let exchange = exchange
    let stream = stream
    let written = await exchange.onLoop { exchange.write(bytes, to: stream) }
    if try written.get() { return }
    try await stream.waitForRoom(on: exchange.loop)
  }

  /// Ends the body after what was written. A stream that its handler leaves unfinished is cut, so
  /// that the client can tell.
  package func finish() {
    let exchange = exchange
    let stream = stream
    guard exchange.loop.isCurrent else {
      return exchange.loop.execute { exchange.finish(stream) }
    }
    exchange.finish(stream)
  }
}
