/// A piece of an edited document.
package enum JSONSegment: Equatable, Sendable {
  /// Bytes of the original.
  case original(Range<Int>)
  case inserted([UInt8])

  package var byteCount: Int {
    switch self {
    case .original(let range): range.count
    case .inserted(let bytes): bytes.count
    }
  }
}

/// Edits of one document, collected and then made at once: what they do not name stays to the
/// byte, white space included.
///
/// Places are those of the original, whatever other edits do. Inserts at one place come out in the
/// order in which they were asked for. The result is JSON; it can be larger and deeper than what
/// the original was checked with. An edit that makes no sense is refused at once; what depends on
/// others (two edits of the same bytes, two members of one key) when the result is asked for.
package struct JSONEdits: Sendable {
  package let text: JSONText
  var splices: [Splice] = []
  var containers: [UInt32: Container] = [:]

  /// Bytes of the original that give way to others.
  struct Splice: Sendable {
    let range: Range<Int>
    var pieces: [[UInt8]]

    init(_ range: Range<Int>, _ pieces: [[UInt8]] = []) {
      self.range = range
      self.pieces = pieces
    }
  }

  /// What happens to the children of one array or object.
  struct Container: Sendable {
    /// Values whose members or elements go.
    var removed: Set<UInt32> = []
    /// Members that get another key, by their value.
    var renamed: [UInt32: String] = [:]
    /// Before which child, in the order asked for.
    var inserts: [(place: Int, piece: Insert)] = []
  }

  struct Insert: Sendable {
    let key: String?
    let value: [UInt8]
  }

  /// Where a new member goes.
  package enum MemberPlace: Equatable, Sendable {
    case first
    case last
  }

  package init(of text: JSONText) { self.text = text }

  package var isEmpty: Bool { splices.isEmpty && containers.isEmpty }

  // MARK: - Asking for edits

  /// Puts another value in place of this one.
  package mutating func replace(
    _ element: JSONText.Element, with value: JSONFragment
  ) throws(JSONEditError) {
    try own(element)
    splices.append(Splice(element.range, [value.bytes]))
  }

  /// Adds a member to an object.
  package mutating func insert(
    _ value: JSONFragment, for key: String, in object: JSONText.Element,
    at place: MemberPlace = .last
  ) throws(JSONEditError) {
    try own(object)
    guard object.kind == .object else { throw error(.notAnObject, object) }
    let insert = Insert(key: key, value: value.bytes)
    containers[object.node, default: Container()].inserts.append(
      (place == .first ? 0 : object.count, insert))
  }

  /// Adds an element before the one of this index, or at the end when it is the count or nil.
  package mutating func insert(
    _ value: JSONFragment, in array: JSONText.Element, at index: Int? = nil
  ) throws(JSONEditError) {
    try own(array)
    guard array.kind == .array else { throw error(.notAnArray, array) }
    let count = array.count
    let place = index ?? count
    guard (0...count).contains(place) else { throw error(.noSuchPlace, array) }
    containers[array.node, default: Container()].inserts.append(
      (place, Insert(key: nil, value: value.bytes)))
  }

  /// Takes an element, or a member with its key, out of its container.
  package mutating func remove(_ element: JSONText.Element) throws(JSONEditError) {
    try own(element)
    guard element.parent != JSONNode.none else { throw error(.outermostValue, element) }
    let isNew = containers[element.parent, default: Container()].removed
      .insert(element.node).inserted
    guard isNew else { throw error(.overlap, element) }
  }

  /// Gives a member, named by its value, another key.
  package mutating func rename(
    _ element: JSONText.Element, to key: String
  ) throws(JSONEditError) {
    try own(element)
    guard let old = element.key else { throw error(.notAMember, element) }
    let known = containers[element.parent, default: Container()].renamed
      .updateValue(key, forKey: element.node)
    guard known == nil else { throw error(.overlap, element) }
    splices.append(Splice(old.range, [JSONFragment.key(key)]))
  }

  private func own(_ element: JSONText.Element) throws(JSONEditError) {
    guard element.storage === text.storage, element.tape.kind != .key else {
      throw error(.otherDocument, element)
    }
  }

  func error(_ code: JSONEditError.Code, _ element: JSONText.Element) -> JSONEditError {
    JSONEditError(code: code, offset: element.range.lowerBound)
  }

  // MARK: - The result

  /// The edited document in one piece.
  package func bytes() throws(JSONEditError) -> [UInt8] {
    let segments = try segments()
    var all: [UInt8] = []
    all.reserveCapacity(segments.reduce(0) { $0 + $1.byteCount })
    for segment in segments {
      switch segment {
      case .original(let range): all.append(contentsOf: text.storage.bytes[range])
      case .inserted(let bytes): all.append(contentsOf: bytes)
      }
    }
    return all
  }

  /// The edited document as pieces of the original and of what was put in, none of them empty;
  /// nothing large is copied.
  package func segments() throws(JSONEditError) -> [JSONSegment] {
    var segments: [JSONSegment] = []
    var place = 0
    for splice in try ordered() {
      Self.append(place..<splice.range.lowerBound, to: &segments)
      for piece in splice.pieces { Self.append(piece, to: &segments) }
      place = splice.range.upperBound
    }
    Self.append(place..<text.storage.bytes.count, to: &segments)
    return segments
  }

  /// Inserts of no more bytes are joined with what was inserted before them.
  private static let joinedCountMax = 4096

  private static func append(_ range: Range<Int>, to segments: inout [JSONSegment]) {
    if !range.isEmpty { segments.append(.original(range)) }
  }

  private static func append(_ piece: [UInt8], to segments: inout [JSONSegment]) {
    guard !piece.isEmpty else { return }
    if case .inserted(let before) = segments.last,
      before.count + piece.count <= Self.joinedCountMax
    {
      segments[segments.count - 1] = .inserted(before + piece)
    } else {
      segments.append(.inserted(piece))
    }
  }
}
