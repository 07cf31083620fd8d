// RPC: gRPC calls as Swift async functions, over any byte stream. Here are the call layer
// (methods, metadata, deadlines, cancellation, retries, interceptors), the server and the channel.
// It never reads configuration, writes no log (it reports `ServerEvent`s) and knows no service of
// ours. Limits: `ServerLimits`, `ChannelLimits`, `MessageLimits`.

package import EventLoop
import Faults
package import MeshAddressing
import RPCStream

/// How a server is set up.
package struct ServerOptions: Sendable {
  package var limits = ServerLimits()
  package var callers: CallerTable
  package var interceptors: [any ServerInterceptor] = []
  /// What the server has to report beside its answers; called on its loop, must not block.
  package var onEvent: @Sendable (ServerEvent) -> Void = { _ in }

  package init(callers: CallerTable) { self.callers = callers }
}

/// Something a server did to protect itself, or could not tell its caller; for the log.
package struct ServerEvent: Sendable {
  package enum Kind: Sendable {
    /// A named limit stopped a peer; `detail` is its name.
    case limit
    case callerRefused, handlerFailed, connectionLost, peerLeft
  }
  package let kind: Kind
  package let peer: String
  package let connection: String
  package let detail: String
}

/// Serves methods to peers on Unix sockets, TCP and in-process streams.
package final class Server: Sendable {
  private let core: ServerCore

  package init(loop: EventLoop, services: [ServiceDefinition], options: ServerOptions) {
    self.core = ServerCore(loop: loop, services: services, options: options)
  }

  deinit {
    let core = core
    core.loop.execute { core.abandon() }
  }

  package var loop: EventLoop { core.loop }

  /// Opens a socket and serves it; answers the address with the port that was bound.
  ///
  /// For `unix-dir:` the socket is `<directory>/<instance>.sock`.
  package func listen(
    on address: MeshAddress, instance: String = "0", mode: UInt32 = 0o660
  ) async throws -> MeshAddress {
    let core = core
    return try await core.loop.perform {
      let listener: Listener
      switch address {
      case .unix(let path):
        listener = try Listener.unix(path: path, mode: mode, on: core.loop)
      case .unixDirectory(let directory):
        listener = try Listener.unix(
          path: "\(directory)/\(instance).sock", mode: mode, on: core.loop)
      case .tcp(let host, let port), .dns(let host, let port):
        listener = try Listener.tcp(host: host, port: port, on: core.loop)
      }
      try core.add(listener)
      switch listener.address {
      case .unix(let path): return .unix(path: path)
      case .tcp(let host, let port): return .tcp(host: host, port: port)
      }
    }
  }

  /// Serves a socket that somebody else bound (socket activation).
  package func listen(inherited descriptor: Int32) async throws {
    let core = core
    try await core.loop.perform {
      try core.add(try Listener.inherited(descriptor: descriptor, on: core.loop))
    }
  }

  /// Serves one byte stream, such as one end of a `MemoryStream` pair; on the server's loop.
  package func serve(_ stream: any ByteStream) {
    core.loop.assertCurrent()
    core.accept(stream)
  }

  /// Stops accepting, lets running calls finish within `drainTimeout`, closes everything.
  package func drain() async {
    let core = core
    await wait { done in
      core.loop.execute { core.drain(done) }
    }
  }

  /// Calls that run right now.
  package func activeCalls() async -> Int {
    let core = core
    return (try? await core.loop.perform { core.activeCalls }) ?? 0
  }
}

extension EventLoop {
  /// Runs `body` on the loop and answers its result.
  package func perform<R: Sendable>(
    _ body: @escaping @Sendable () throws -> R
  ) async throws -> R {
    try await waitThrowing { done in
      if isCurrent {
        done.resume(with: Result { try body() })
      } else {
        execute { done.resume(with: Result { try body() }) }
      }
    }
  }
}
