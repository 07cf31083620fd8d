package import Faults
import Glibc

/// A listening socket that whoever started this process has opened for it.
package struct InheritedSocket: Equatable, Sendable {
  package let descriptor: Int32
  /// From `LISTEN_FDNAMES`; `unknown` when nobody gave it one.
  package let name: String

  package init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// Where systemd puts the first one.
  package static let firstDescriptor: Int32 = 3
  /// More than any service of ours listens on.
  package static let countMax = 64

  /// What `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES` say, without touching a descriptor;
  /// none when they are not meant for process `pid`.
  package static func parse(
    environment: [String: String], pid: Int32, from first: Int32 = firstDescriptor
  ) throws(InheritedSocketError) -> [InheritedSocket] {
    guard let countText = environment["LISTEN_FDS"] else { return [] }
    guard let pidText = environment["LISTEN_PID"] else {
      // Without it there is no telling whose they are.
      return []
    }
    guard let meant = Int32(pidText), meant > 0 else { throw .malformed("LISTEN_PID") }
    guard meant == pid else { return [] }
    guard let count = Int(countText), (0...countMax).contains(count) else {
      throw .malformed("LISTEN_FDS")
    }
    var names = [String](repeating: "unknown", count: count)
    if let namesText = environment["LISTEN_FDNAMES"], count > 0 {
      names = namesText.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard names.count == count else { throw .malformed("LISTEN_FDNAMES") }
    }
    return names.enumerated().map { index, name in
      InheritedSocket(descriptor: first + Int32(index), name: name)
    }
  }

  /// The sockets meant for this process: each is checked to listen, and kept from child
  /// processes.
  package static func take(
    environment: [String: String], from first: Int32 = firstDescriptor
  ) throws(InheritedSocketError) -> [InheritedSocket] {
    let sockets = try parse(environment: environment, pid: getpid(), from: first)
    for socket in sockets {
      guard socket.isListening else { throw .notListening(socket.descriptor) }
      let flags = fcntl(socket.descriptor, F_GETFD)
      _ = fcntl(socket.descriptor, F_SETFD, flags | FD_CLOEXEC)
    }
    return sockets
  }

  private var isListening: Bool {
    var answer: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    let status = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &length)
    return status == 0 && answer == 1
  }
}

/// Why inherited sockets cannot be used.
package enum InheritedSocketError: Error, Equatable, Sendable {
  /// This variable is not what systemd writes.
  case malformed(String)
  case notListening(Int32)
}

extension InheritedSocketError: FaultConvertible, CustomStringConvertible {
  package var description: String {
    switch self {
    case .malformed(let variable): "\(variable) is not what a service manager writes"
    case .notListening(let descriptor): "inherited descriptor \(descriptor) is no listening socket"
    }
  }

  package var fault: Fault {
    Fault(
      .failedPrecondition, reason: "INHERITED_SOCKET_INVALID", "\(description).",
      hint: "Unset LISTEN_FDS, or start the service through its socket unit.")
  }
}
