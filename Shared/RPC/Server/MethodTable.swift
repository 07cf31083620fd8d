import EventLoop
import GRPCFormat

/// A method as one server runs it: its handler, and the executor that bears its name.
final class ServedMethod: Sendable {
  let handler: MethodHandler
  let executor: LabelledExecutor

  init(_ handler: MethodHandler, on loop: EventLoop) {
    self.handler = handler
    self.executor = loop.labelled(handler.descriptor.path)
  }
}

/// The methods of one server, found by the bytes of a path.
///
/// A path from the wire is compared with the few of its own length: no text is made of it and
/// nothing is hashed, which together cost as much as reading all other headers.
struct MethodTable: Sendable {
  private struct Entry: Sendable {
    let path: [UInt8]
    let method: ServedMethod
  }

  /// By the length of the path.
  private var entries: [[Entry]] = []

  init(_ methods: [ServedMethod]) {
    for method in methods {
      let path = Array(method.handler.descriptor.path.utf8)
      while entries.count <= path.count { entries.append([]) }
      // Of two methods with one path the later stands.
      entries[path.count].removeAll { $0.path == path }
      entries[path.count].append(Entry(path: path, method: method))
    }
  }

  /// The method at `path`; nil when there is none.
  func method(at path: RawSpan) -> ServedMethod? {
    guard path.byteCount < entries.count else { return nil }
    return entries[path.byteCount].first { path.equals($0.path) }?.method
  }
}
