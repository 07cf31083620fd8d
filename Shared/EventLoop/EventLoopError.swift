import CUV
import Glibc

/// What went wrong at the line between us and the kernel; branch on `code`, never on text.
package struct EventLoopError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: String, Hashable, Sendable {
    /// A Unix socket path is longer than the 107 bytes the kernel takes.
    case socketPathTooLong
    /// A host or path that cannot be an address.
    case addressInvalid
    /// An argument, name or path with a NUL in it, or an empty one.
    case argumentInvalid
    /// A live server answers on that path or port.
    case addressInUse
    /// What stands at the path is not a socket (a file, a directory, a symbolic link).
    case notASocket
    case connectionRefused
    case connectionReset
    case brokenPipe
    case notFound
    case permissionDenied
    case timedOut
    case unreachable
    /// The process's or the machine's descriptor table is full.
    case descriptorsExhausted
    /// A stream's write queue passed `EventLoopLimits.writeQueueBytesMax`.
    case writeQueueFull
    /// The blocking pool's queue is full.
    case blockingQueueFull
    /// The loop is stopping or has stopped.
    case loopStopped
    case cancelled
    /// Any other answer of the kernel; `systemCode` says which.
    case system
  }

  package let code: Code
  /// One English line: what was tried, with the path or address.
  package let message: String
  /// The negative errno as libuv gives it; 0 when the kernel was not asked.
  package let systemCode: Int32

  package init(_ code: Code, _ message: String, systemCode: Int32 = 0) {
    self.code = code
    self.message = message
    self.systemCode = systemCode
  }

  package var description: String { message }
}

extension EventLoopError {
  /// From libuv's status or a negative errno.
  init(system status: Int32, _ what: String) {
    let reason = unsafe String(cString: uv_strerror(status))
    self.init(Self.code(for: status), "\(what): \(reason)", systemCode: status)
  }

  /// From `errno`, right after the call that set it.
  init(errno what: String) {
    self.init(system: -Glibc.errno, what)
  }

  static let loopStopped = EventLoopError(.loopStopped, "The event loop has stopped")

  private static func code(for status: Int32) -> Code {
    switch -status {
    case ECONNREFUSED: .connectionRefused
    case ECONNRESET, ECONNABORTED: .connectionReset
    case EPIPE, ENOTCONN: .brokenPipe
    case ENOENT, ENOTDIR: .notFound
    case EACCES, EPERM: .permissionDenied
    case ETIMEDOUT: .timedOut
    case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN: .unreachable
    case EMFILE, ENFILE: .descriptorsExhausted
    case EADDRINUSE: .addressInUse
    case EADDRNOTAVAIL, EAFNOSUPPORT: .addressInvalid
    case ECANCELED: .cancelled
    case ENAMETOOLONG: .socketPathTooLong
    default: status <= UV_EAI_ADDRFAMILY.rawValue && status >= -3999 ? .notFound : .system
    }
  }
}
