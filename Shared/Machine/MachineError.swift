import Glibc

/// Why the machine refused something: what was tried, on what, and the system's reason.
package struct MachineError: Error, Equatable, Sendable {
  /// What was tried, as it reads in a sentence: `read`, `create`.
  package let operation: String
  /// The path or name it was tried on.
  package let subject: String
  /// The system's error number; 0 when a limit of ours refused.
  package let errno: Int32
  /// The reason in words.
  package let reason: String

  /// A refusal by the system, named by its error number.
  package init(_ operation: String, _ subject: String, errno: Int32) {
    self.operation = operation
    self.subject = subject
    self.errno = errno
    self.reason = Self.words(for: errno)
  }

  /// A refusal by one of our own limits.
  package init(_ operation: String, _ subject: String, reason: String) {
    self.operation = operation
    self.subject = subject
    self.errno = 0
    self.reason = reason
  }

  package var isAbsence: Bool { errno == ENOENT || errno == ENOTDIR }
  /// Whether something is there that is no plain file, where only one is read.
  package var isForeign: Bool { errno == ELOOP || errno == ENXIO || reason == Self.notPlain }

  static let notPlain = "it is no plain file"

  private static func words(for errno: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 128)
    let status = unsafe buffer.withUnsafeMutableBytes { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return EINVAL }
      return unsafe strerror_r(errno, start.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    let text = status == 0 ? String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self) : ""
    return text.isEmpty ? "error \(errno)" : text
  }
}

extension MachineError: CustomStringConvertible {
  package var description: String { "cannot \(operation) \(subject): \(reason)" }
}
