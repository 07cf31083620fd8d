import JSON

/// Checks one document in one pass and writes its tape, with its own stack instead of recursion.
///
/// It refuses what `JSONParser` refuses, at the same byte and for the same reason.
struct JSONChecker {
  let bytes: JSONBytes
  let limits: JSONLimits
  var offset = 0
  var nodes: [JSONNode] = []
  private var valueCount = 0
  private var frames: [Frame] = []
  /// Of the open objects with many members, the innermost last.
  private var indexes: [JSONKeyIndex] = []
  /// Memory for keys that must be decoded to be compared.
  private var scratch: [UInt8] = []

  init(_ bytes: JSONBytes, limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
    // A guess that fits small documents; one huge string must not reserve a huge tape.
    nodes.reserveCapacity(min(bytes.count / 12 + 8, 1024))
    frames.reserveCapacity(8)
  }

  /// An array or object that has begun and not yet ended.
  private struct Frame {
    let node: Int
    let isObject: Bool
    var isIndexed = false
    /// Elements or members that stand before this place.
    var count = 0
  }

  /// Members that are told apart by looking at each; more get an index.
  private static let scannedCountMax = 16

  // MARK: - The document

  mutating func document() throws(JSONError) -> [JSONNode] {
    let bytesMax = min(limits.bytesMax, Int(UInt32.max) - 1)
    guard bytes.count <= bytesMax else {
      throw error(.tooManyBytes(limit: bytesMax), at: bytesMax)
    }
    while true {
      skipSpace()
      if try leafOrOpening() { continue }
      guard try attach() else { break }
    }
    skipSpace()
    guard offset == bytes.count else { throw error(.trailingBytes, at: offset) }
    return nodes
  }

  @inline(__always)
  mutating func skipSpace() {
    while true {
      let byte = bytes[offset]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      offset += 1
    }
  }

  /// Reads a value that is complete at once; true when a container was opened instead.
  private mutating func leafOrOpening() throws(JSONError) -> Bool {
    valueCount += 1
    guard valueCount <= limits.valuesMax, nodes.count < JSONNode.countMax - 2 else {
      throw error(.tooManyValues(limit: limits.valuesMax), at: offset)
    }
    let start = offset
    switch bytes[offset] {
    case UInt8(ascii: "{"): return try open(.object)
    case UInt8(ascii: "["): return try open(.array)
    case UInt8(ascii: "\""):
      let spelling = try string()
      append(.string, from: start, spelling: spelling)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      try number()
      append(.number, from: start)
    case UInt8(ascii: "t"):
      try word("true")
      append(.yes, from: start)
    case UInt8(ascii: "f"):
      try word("false")
      append(.no, from: start)
    case UInt8(ascii: "n"):
      try word("null")
      append(.null, from: start)
    default: throw unexpected()
    }
    return false
  }

  /// Writes the node of what was just read.
  @inline(__always)
  private mutating func append(
    _ kind: JSONNode.Kind, from start: Int, spelling: JSONNode.Spelling = [], mark: UInt16 = 0
  ) {
    nodes.append(
      JSONNode(
        start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: offset),
        next: UInt32(truncatingIfNeeded: nodes.count + 1), kind: kind, spelling: spelling,
        mark: mark))
  }

  private mutating func open(_ kind: JSONNode.Kind) throws(JSONError) -> Bool {
    guard frames.count < limits.depthMax else {
      throw error(.tooDeep(limit: limits.depthMax), at: offset)
    }
    let isObject = kind == .object
    let start = offset
    offset += 1
    append(kind, from: start)
    skipSpace()
    if bytes[offset] == UInt8(ascii: isObject ? "}" : "]") {
      offset += 1
      nodes[nodes.count - 1].end = UInt32(truncatingIfNeeded: offset)
      return false
    }
    frames.append(Frame(node: nodes.count - 1, isObject: isObject))
    if isObject { try key() }
    return true
  }

  /// Goes on behind a finished value and closes what ends there; true when another value must
  /// follow.
  private mutating func attach() throws(JSONError) -> Bool {
    while let frame = frames.last {
      frames[frames.count - 1].count += 1
      skipSpace()
      switch bytes[offset] {
      case UInt8(ascii: ","):
        offset += 1
        if frame.isObject { try key() }
        return true
      case UInt8(ascii: frame.isObject ? "}" : "]"):
        offset += 1
        close(frame, count: frame.count + 1)
      default: throw unexpected()
      }
    }
    return false
  }

  private mutating func close(_ frame: Frame, count: Int) {
    nodes[frame.node].end = UInt32(truncatingIfNeeded: offset)
    nodes[frame.node].next = UInt32(truncatingIfNeeded: nodes.count)
    nodes[frame.node].mark = UInt16(clamping: count)
    if frame.isIndexed { indexes.removeLast() }
    frames.removeLast()
  }

  // MARK: - Keys

  private mutating func key() throws(JSONError) {
    skipSpace()
    let start = offset
    guard bytes[offset] == UInt8(ascii: "\"") else { throw unexpected() }
    let spelling = try string()
    let end = offset
    skipSpace()
    guard bytes[offset] == UInt8(ascii: ":") else { throw unexpected() }
    let colon = offset
    offset = end
    let content = start + 1..<end - 1
    let mark = JSONKey.mark(of: content, in: bytes, spelling, scratch: &scratch)
    append(.key, from: start, spelling: spelling, mark: mark)
    // A duplicate is refused before its value is read, so that the error points at the key.
    guard isNewKey() else { throw error(.duplicateKey, at: start) }
    offset = colon + 1
  }

  /// Whether the key that was just appended is the first of its name in its object.
  private mutating func isNewKey() -> Bool {
    let top = frames.count - 1
    let frame = frames[top]
    let added = nodes.count - 1
    if !frame.isIndexed {
      guard frame.count >= Self.scannedCountMax else { return isNewAmongFew(added, in: frame) }
      frames[top].isIndexed = true
      var index = JSONKeyIndex()
      var place = frame.node + 1
      while place < added {
        _ = index.insert(place, of: nodes, in: bytes, scratch: &scratch)
        place = Int(nodes[place + 1].next)
      }
      indexes.append(index)
    }
    return indexes[indexes.count - 1].insert(added, of: nodes, in: bytes, scratch: &scratch)
  }

  private func isNewAmongFew(_ added: Int, in frame: Frame) -> Bool {
    let key = nodes[added]
    var place = frame.node + 1
    while place < added {
      if nodes[place].mark == key.mark, JSONKey.equal(nodes[place], key, in: bytes) { return false }
      place = Int(nodes[place + 1].next)
    }
    return true
  }

  // MARK: - Errors

  /// What stands here is wrong, or nothing does.
  func unexpected() -> JSONError {
    error(offset < bytes.count ? .unexpectedByte : .unexpectedEnd, at: offset)
  }

  /// Finds line and column only now, so that checking does not count them.
  func error(_ code: JSONError.Code, at place: Int) -> JSONError {
    var line = 1
    var column = 1
    for position in 0..<min(place, bytes.count) {
      let byte = bytes[position]
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return JSONError(code: code, offset: place, line: line, column: column)
  }
}
