package import EventLoop

/// Something that was begun and may be given up.
package protocol Cancellable: AnyObject {
  func cancel()
}

/// How a channel gets a byte stream to an address: sockets, or one end of a pair in a test.
package struct Connector: Sendable {
  package typealias Done = (Result<any ByteStream, EventLoopError>) -> Void
  let connect: @Sendable (SocketAddress, EventLoop, Duration, @escaping Done) -> (any Cancellable)?

  package init(
    _ connect:
      @escaping @Sendable (SocketAddress, EventLoop, Duration, @escaping Done) -> (
        any Cancellable
      )?
  ) {
    self.connect = connect
  }

  /// Unix sockets and TCP.
  package static let sockets = Connector { address, loop, timeout, done in
    let attempt = SocketStream.connect(to: address, on: loop, timeout: timeout) { result in
      done(result.map { $0 as any ByteStream })
    }
    return SocketAttempt(attempt)
  }

  /// In-process: `accept` gets the server's end, on the server's loop.
  ///
  /// The same frames, windows and limits as over a socket; only the kernel is missing.
  package static func inProcess(to server: Server) -> Connector {
    Connector { _, loop, _, done in
      let (near, far) = MemoryStream.pair(loop, server.loop)
      let end = FarEnd(far)
      server.loop.execute { server.serve(end.stream) }
      done(.success(near))
      return nil
    }
  }
}

private final class SocketAttempt: Cancellable {
  private let attempt: ConnectAttempt
  init(_ attempt: ConnectAttempt) { self.attempt = attempt }
  func cancel() { attempt.cancel() }
}

/// `@unchecked Sendable`: carries an end to the loop it belongs to, once.
private final class FarEnd: @unchecked Sendable {
  let stream: MemoryStream
  init(_ stream: MemoryStream) { self.stream = stream }
}
