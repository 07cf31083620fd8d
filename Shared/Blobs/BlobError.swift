package import Faults
import Machine

/// Why a blob was not read, or not written; branch on `code`.
package struct BlobError: Error, Hashable, Sendable {
  package enum Code: Hashable, Sendable {
    /// No blob has this name.
    case missing
    /// What has the name is no file: a link, a folder, a pipe.
    case notAFile
    /// The blob has more or fewer bytes than are expected of it.
    case otherSize
    /// The bytes are not those that the name is made of.
    case damaged
    /// What was written is not what it was said to be.
    case otherHash
    case tooLarge
    /// The store's disk refused.
    case refused
    /// As much waits for the store's threads as may.
    case busy
    /// The store was closed, or the blob was read or written to its end already.
    case closed
  }

  package let code: Code
  /// One English line with the blob's name; nothing of its bytes.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: MachineError) { self.init(.refused, "The blob store's disk refuses: \(error)") }

  static var closed: BlobError { BlobError(.closed, "The blob store was closed") }
}

extension BlobError: CustomStringConvertible {
  package var description: String { message }
}

extension BlobError: FaultConvertible {
  package var fault: Fault {
    switch code {
    case .missing:
      Fault(
        .notFound, reason: "MEDIA_NOT_FOUND", "\(message).",
        hint: "Upload the document, then ask again.")
    case .otherSize:
      Fault(.failedPrecondition, reason: "MEDIA_OTHER_SIZE", "\(message).")
    case .notAFile, .damaged:
      Fault(
        .dataLoss, reason: "MEDIA_DAMAGED", "\(message).", hint: "Upload the document again.")
    case .otherHash: Fault(.invalidArgument, reason: "MEDIA_OTHER_HASH", "\(message).")
    case .tooLarge: Fault(.outOfRange, reason: "MEDIA_TOO_LARGE", "\(message).")
    case .refused:
      Fault(
        .unavailable, reason: "MEDIA_UNREADABLE", "The blob store's disk refuses.",
        cause: message)
    case .busy:
      Fault(
        .resourceExhausted, reason: "MEDIA_BUSY", "\(message).", retryAfter: .seconds(1),
        facts: ["limit": "waitingMax"])
    case .closed: Fault(.unavailable, reason: "MEDIA_CLOSED", "\(message).")
    }
  }
}
