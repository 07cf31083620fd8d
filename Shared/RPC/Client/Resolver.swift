import EventLoop
import MeshAddressing

/// Turns a target into the addresses of its replicas, again whenever they change. Loop-confined.
protocol Resolver: AnyObject {
  /// A connect failed: a good moment to look again.
  func connectionFailed()
  func stop()
}

func makeResolver(
  _ target: MeshAddress, on loop: EventLoop, limit: Int,
  _ changed: @escaping ([SocketAddress]) -> Void
) -> any Resolver {
  switch target {
  case .unix(let path): FixedResolver(.unix(path: path), changed)
  case .tcp(let host, let port): FixedResolver(.tcp(host: host, port: port), changed)
  case .dns(let host, let port): FixedResolver(.tcp(host: host, port: port), changed)
  case .unixDirectory(let path): DirectoryResolver(path, on: loop, limit: limit, changed)
  }
}

/// One address that never changes; a name is looked up at each connect.
private final class FixedResolver: Resolver {
  init(_ address: SocketAddress, _ changed: ([SocketAddress]) -> Void) { changed([address]) }
  func connectionFailed() {}
  func stop() {}
}

/// Every `*.sock` of a directory, followed as sockets come and go.
private final class DirectoryResolver: Resolver {
  private let path: String
  private let limit: Int
  private let changed: ([SocketAddress]) -> Void
  private var watch: DirectoryWatch?

  init(
    _ path: String, on loop: EventLoop, limit: Int,
    _ changed: @escaping ([SocketAddress]) -> Void
  ) {
    self.path = path
    self.limit = limit
    self.changed = changed
    self.watch = DirectoryWatch(path: path, on: loop) { [weak self] in self?.list() }
    list()
  }

  private func list() {
    let names = DirectoryWatch.entries(of: path, suffix: ".sock").sorted().prefix(limit)
    changed(names.map { .unix(path: "\(path)/\($0)") })
  }

  func connectionFailed() {}

  func stop() {
    watch?.close()
    watch = nil
  }
}
