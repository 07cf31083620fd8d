// HTTPServer: HTTP/1.1 requests as values, answers and streams with back-pressure, on an event
// loop. libmicrohttpd parses and writes; it has no thread of its own here: the loop polls its
// epoll sets and runs it, and handlers are async functions on the same loop.
// It knows no route, key, content type or service of ours, writes no log (it reports
// `HTTPServerEvent`s), speaks no TLS and no HTTP/2, and never believes a framing that two parties
// could read in two ways. What is malformed before a head is whole is answered by the library in
// its own words; all other refusals go through `errorBody`.
// Limits: `HTTPServerLimits`.

package import EventLoop
import Lifecycle

/// Serves HTTP/1.1 on Unix and TCP sockets. The loop's handlers are called on `loop`.
package final class HTTPServer: LongRunning {
  private let core: ServerCore

  /// `route` decides on each head; `errorBody` shapes the server's own answers; both are called
  /// on the loop and must not block.
  package init(
    on loop: EventLoop, limits: HTTPServerLimits = HTTPServerLimits(),
    errorBody: @escaping @Sendable (HTTPRefusal, HTTPRequestHead?) -> HTTPResponse = {
      refusal, _ in refusal.plainResponse
    },
    onEvent: @escaping @Sendable (HTTPServerEvent) -> Void = { _ in },
    route: @escaping @Sendable (HTTPRequestHead) -> HTTPRoute
  ) {
    core = ServerCore(loop, limits, errorBody: errorBody, onEvent: onEvent, route: route)
  }

  deinit {
    let core = core
    core.loop.execute { core.stop() }
  }

  /// Opens a socket and serves it, beside those that are open; answers the address with the port
  /// that was bound. `mode` is the Unix socket's.
  package func listen(
    on address: SocketAddress, mode: UInt32 = 0o660
  ) async throws(EventLoopError) -> SocketAddress {
    let core = core
    return try await core.loop.value { () -> Result<SocketAddress, EventLoopError> in
      Result { () throws(EventLoopError) in
        let listener =
          switch address {
          case .unix(let path): try Listener.unix(path: path, mode: mode, on: core.loop)
          case .tcp(let host, let port): try Listener.tcp(host: host, port: port, on: core.loop)
          }
        try core.add(listener)
        return listener.address
      }
    }.get()
  }

  /// Serves a socket that somebody else bound (socket activation).
  package func listen(inherited descriptor: Int32) async throws(EventLoopError) {
    let core = core
    try await core.loop.value { () -> Result<Void, EventLoopError> in
      Result { () throws(EventLoopError) in
        try core.add(try Listener.inherited(descriptor: descriptor, on: core.loop))
      }
    }.get()
  }

  /// Waits for the lifecycle's signal, then drains.
  package func run() async throws {
    await ShutdownSignal.current?.wait()
    await drain()
  }

  /// Stops accepting, closes idle connections, lets running requests end within `drainTimeout`,
  /// and closes what is left.
  package func drain() async {
    let core = core
    await withCheckedContinuation { continuation in
      core.loop.here { core.drain { continuation.resume() } }
    }
  }

  /// Connections that are open right now.
  package func connectionCount() async -> Int {
    let core = core
    return await core.loop.value { core.connectionCount }
  }
}
