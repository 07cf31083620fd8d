/// Who changes what money, products and keys are about, and where that was said: kept beside
/// every version, and as a line of its own in the log of changes.
package struct ChangeNote: Hashable, Sendable {
  package enum Origin: String, CaseIterable, Sendable {
    /// The operator's file said so, when it was read.
    case file
    /// Somebody asked for it while the gateway ran.
    case account
  }

  package var origin: Origin
  /// The peer as the kernel names it: `uid 0 (operator)`.
  package var actor: String
  package var text: String

  package init(_ origin: Origin, actor: String = "", text: String = "") {
    self.origin = origin
    self.actor = actor
    self.text = text
  }

  package static let file = ChangeNote(.file)

  /// As a version keeps it: the origin, then who, then why.
  package var stored: String {
    let head = actor.isEmpty ? origin.rawValue : "\(origin.rawValue) \(actor)"
    return text.isEmpty ? head : "\(head): \(text)"
  }

  /// Who spoke in a stored note; whatever does not begin with the file's word is an account's.
  package static func origin(ofStored note: String) -> Origin {
    note == Origin.file.rawValue || note.hasPrefix("\(Origin.file.rawValue) ")
      || note.hasPrefix("\(Origin.file.rawValue):") ? .file : .account
  }
}
