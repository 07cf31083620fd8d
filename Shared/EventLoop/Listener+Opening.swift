import CUV
import Glibc

extension Listener {
  /// Listens at `path` with permissions `mode` from the first moment on.
  ///
  /// The socket is bound to a temporary name in the same directory and then renamed, so that
  /// whoever finds `path` finds a server that listens. A stale socket (nobody answers) is taken
  /// over; a live one, a file, a directory or a symbolic link is refused and left alone.
  package static func unix(
    path: String, mode: UInt32, on loop: EventLoop, options: ListenerOptions = ListenerOptions()
  ) throws(EventLoopError) -> Listener {
    loop.assertCurrent()
    _ = try RawAddress(unixPath: path)
    let descriptor = try socket(family: AF_UNIX, for: path)
    do throws(EventLoopError) {
      let bound = try BoundSocketPath.bind(
        descriptor, to: path, mode: mode, backlog: options.backlog)
      return Listener(
        descriptor, kind: .unix, address: .unix(path: path), path: bound, options: options,
        on: loop)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Listens on a numeric address or `localhost`; port 0 takes a free one, see `address`.
  package static func tcp(
    host: String, port: UInt16, on loop: EventLoop, options: ListenerOptions = ListenerOptions()
  ) throws(EventLoopError) -> Listener {
    loop.assertCurrent()
    let wanted = SocketAddress.tcp(host: host, port: port)
    // A name would have to be resolved, and that blocks.
    guard let raw = RawAddress(numeric: host == "localhost" ? "127.0.0.1" : host, port: port) else {
      throw EventLoopError(
        .addressInvalid, "\(wanted) is not a numeric address to listen on, nor localhost")
    }
    let descriptor = try socket(family: raw.family, for: wanted.description)
    do throws(EventLoopError) {
      var yes: Int32 = 1
      let size = socklen_t(MemoryLayout<Int32>.size)
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
      guard unsafe raw.withPointer({ unsafe Glibc.bind(descriptor, $0, $1) }) == 0,
        listen(descriptor, options.backlog) == 0
      else {
        throw EventLoopError(errno: "Listening on \(wanted)")
      }
      let address = RawAddress(of: descriptor, peer: false)?.socketAddress ?? wanted
      return Listener(descriptor, kind: .tcp, address: address, options: options, on: loop)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Takes over a listening socket from whoever started this process (`LISTEN_FDS`).
  ///
  /// Its path is not unlinked by `close`: it belongs to the one who made it.
  package static func inherited(
    descriptor: Int32, on loop: EventLoop, options: ListenerOptions = ListenerOptions()
  ) throws(EventLoopError) -> Listener {
    loop.assertCurrent()
    var listens: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0,
      listens == 1
    else {
      throw EventLoopError(.notASocket, "Descriptor \(descriptor) is not a listening socket")
    }
    guard let raw = RawAddress(of: descriptor, peer: false) else {
      throw EventLoopError(errno: "Descriptor \(descriptor)")
    }
    let address = raw.socketAddress ?? .unix(path: "")
    assay_own_descriptor(descriptor)
    return Listener(
      descriptor, kind: raw.family == AF_UNIX ? .unix : .tcp, address: address, options: options,
      on: loop)
  }

  private static func socket(family: Int32, for name: String) throws(EventLoopError) -> Int32 {
    let descriptor = Glibc.socket(family, assay_stream_socket_type, 0)
    guard descriptor >= 0 else { throw EventLoopError(errno: "Listening on \(name)") }
    return descriptor
  }
}
