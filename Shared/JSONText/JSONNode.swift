/// One value or one key on a document's tape, in 16 bytes.
///
/// A member is its key's node and then its value's. `next` is the node behind everything inside
/// this one: the next sibling, unless that is where the container's own `next` is.
struct JSONNode: Sendable {
  enum Kind: UInt8, Sendable {
    case null
    case no
    case yes
    case number
    case string
    case array
    case object
    case key
  }

  /// How a string or a key is spelt.
  struct Spelling: OptionSet, Sendable {
    let rawValue: UInt8
    /// There is a backslash in it.
    static let escaped = Spelling(rawValue: 1)
    /// One of its escapes has another, simpler spelling.
    static let respellable = Spelling(rawValue: 2)
  }

  /// Not a node.
  static let none = UInt32.max
  /// Nodes that a tape can number.
  static let countMax = Int(Int32.max)

  /// The first byte, quotes and brackets included.
  let start: UInt32
  /// Behind the last byte.
  var end: UInt32
  var next: UInt32
  let kind: Kind
  let spelling: Spelling
  /// Of a key: 16 bits that equal keys share. Of a container: how many stand in it, or
  /// `countUnknown` when it is more than that.
  var mark: UInt16

  static let countUnknown = UInt16.max

  var range: Range<Int> { Int(start)..<Int(end) }
  /// What stands between the quotes.
  var content: Range<Int> { Int(start) + 1..<Int(end) - 1 }
}
