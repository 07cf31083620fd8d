/// One pass over a value that writes it canonically, a bufferful at a time, with its own stack
/// instead of recursion.
struct JSONCanonicalWalk {
  /// What was written and not yet taken.
  var buffer: [UInt8] = []
  private let bytes: JSONBytes
  private let nodes: [JSONNode]
  private let paths: [JSONPath]
  private var frames: [Frame] = []
  /// Keys of the open objects, each object's sorted; the innermost object's last.
  private var keys: [UInt32] = []
  /// Paths that lead into the open containers, by their index; the innermost container's last.
  private var leading: [Int] = []
  /// What is left of a string that is long or is to be spelt anew.
  private var rest = 0..<0
  private var isRespelt = false

  /// A longer string is lent instead of copied.
  private static let copiedCountMax = 1024
  private static let bufferedCountMax = 4096

  private struct Frame {
    let isObject: Bool
    /// The next element's node, or the next key's place in `keys`.
    var place: Int
    let end: Int
    let keysStart: Int
    let leading: Range<Int>
    var isFirst = true
    /// Where the paths of the member begin whose key is written and whose value is not.
    var leadingOfValue: Int?
  }

  /// Why `fill` came back: the buffer is full, these bytes come behind it, or that was all.
  enum Fill {
    case full
    case lent(Range<Int>)
    case done
  }

  init(bytes: JSONBytes, nodes: [JSONNode], root: Int, excluding paths: [JSONPath]) {
    self.bytes = bytes
    self.nodes = nodes
    self.paths = paths
    buffer.reserveCapacity(min(nodes[root].range.count + 64, 2 * Self.bufferedCountMax))
    frames.reserveCapacity(8)
    keys.reserveCapacity(32)
    leading.append(contentsOf: paths.indices.filter { !paths[$0].steps.isEmpty })
    begin(root, leading: leading.indices)
  }

  mutating func fill() -> Fill {
    while true {
      if !rest.isEmpty, let lent = goOnWithString() { return .lent(lent) }
      if buffer.count >= Self.bufferedCountMax { return .full }
      guard let frame = frames.last else { return .done }
      if let start = frame.leadingOfValue {
        beginValue(of: frame, leading: start)
      } else if frame.place < frame.end {
        step(frame)
      } else {
        end(frame)
      }
    }
  }

  // MARK: - Containers

  private mutating func begin(_ place: Int, leading: Range<Int>) {
    let node = nodes[place]
    switch node.kind {
    case .null: buffer.append(contentsOf: "null".utf8)
    case .no: buffer.append(contentsOf: "false".utf8)
    case .yes: buffer.append(contentsOf: "true".utf8)
    case .number: CanonicalNumber.append(node.range, of: bytes, to: &buffer)
    case .string, .key: string(node)
    case .array:
      buffer.append(UInt8(ascii: "["))
      frames.append(
        Frame(
          isObject: false, place: place + 1, end: Int(node.next), keysStart: keys.count,
          leading: leading))
    case .object:
      buffer.append(UInt8(ascii: "{"))
      let start = keys.count
      var key = place + 1
      while key < Int(node.next) {
        keys.append(UInt32(truncatingIfNeeded: key))
        key = Int(nodes[key + 1].next)
      }
      sort(start..<keys.count)
      frames.append(
        Frame(
          isObject: true, place: start, end: keys.count, keysStart: start, leading: leading))
    }
  }

  /// The next element, or the next member's key, unless a path ends there.
  private mutating func step(_ frame: Frame) {
    let top = frames.count - 1
    let key = frame.isObject ? Int(keys[frame.place]) : nil
    frames[top].place = key == nil ? Int(nodes[frame.place].next) : frame.place + 1
    let start = leading.count
    guard frame.leading.isEmpty || !follow(frame.leading, to: key) else {
      return forget(from: start)
    }
    if !frame.isFirst { buffer.append(UInt8(ascii: ",")) }
    frames[top].isFirst = false
    if let key {
      string(nodes[key])
      frames[top].leadingOfValue = start
    } else {
      begin(frame.place, leading: start..<leading.count)
      if frames.count - 1 == top { forget(from: start) }
    }
  }

  private mutating func beginValue(of frame: Frame, leading start: Int) {
    let top = frames.count - 1
    frames[top].leadingOfValue = nil
    buffer.append(UInt8(ascii: ":"))
    begin(Int(keys[frame.place - 1]) + 1, leading: start..<leading.count)
    if frames.count - 1 == top { forget(from: start) }
  }

  private mutating func end(_ frame: Frame) {
    buffer.append(UInt8(ascii: frame.isObject ? "}" : "]"))
    keys.removeLast(keys.count - frame.keysStart)
    frames.removeLast()
    // The outermost frame's paths are those that the walk began with; nobody reads them any more.
    forget(from: frame.leading.lowerBound)
  }

  private mutating func forget(from start: Int) {
    if start < leading.count { leading.removeLast(leading.count - start) }
  }

  /// Appends the paths that lead on into a child; whether one of them ends at it.
  private mutating func follow(_ active: Range<Int>, to key: Int?) -> Bool {
    let level = frames.count - 1
    for index in active {
      let path = leading[index]
      switch paths[path].steps[level] {
      case .member(let name):
        guard let key, JSONKey.equal(nodes[key], name.utf8Span.span, in: bytes) else { continue }
      case .eachElement:
        guard key == nil else { continue }
      }
      if paths[path].steps.count == level + 1 { return true }
      leading.append(path)
    }
    return false
  }

  /// Few keys are sorted in place; an enemy's many never cost more than n log n.
  private mutating func sort(_ range: Range<Int>) {
    guard range.count <= 16 else {
      let (nodes, bytes) = (nodes, bytes)
      keys[range].sort { JSONKey.precedes(nodes[Int($0)], nodes[Int($1)], in: bytes) }
      return
    }
    for index in range.dropFirst() {
      let key = keys[index]
      let node = nodes[Int(key)]
      var place = index
      while place > range.lowerBound,
        JSONKey.precedes(node, nodes[Int(keys[place - 1])], in: bytes)
      {
        keys[place] = keys[place - 1]
        place -= 1
      }
      keys[place] = key
    }
  }

  // MARK: - Strings

  private mutating func string(_ node: JSONNode) {
    isRespelt = node.spelling.contains(.respellable)
    if isRespelt || node.range.count > Self.copiedCountMax {
      rest = node.range
    } else {
      bytes.append(node.range, to: &buffer)
    }
  }

  /// Writes of a long string what fits; a long run of bytes that stay as they are is lent.
  private mutating func goOnWithString() -> Range<Int>? {
    guard isRespelt else {
      defer { rest = 0..<0 }
      return rest
    }
    let end = rest.upperBound
    while !rest.isEmpty, buffer.count < Self.bufferedCountMax {
      var place = respellable(in: rest)
      let run = rest.lowerBound..<place
      if run.count > Self.copiedCountMax {
        rest = place..<end
        return run
      }
      bytes.append(run, to: &buffer)
      if place < end { append(JSONEscape.scalar(at: &place, in: bytes)) }
      rest = place..<end
    }
    return nil
  }

  /// The first escape in a range that may have a simpler spelling; its end when there is none.
  private func respellable(in range: Range<Int>) -> Int {
    var place = range.lowerBound
    while true {
      place = bytes.backslash(in: place..<range.upperBound)
      guard place < range.upperBound else { return place }
      let letter = bytes[place + 1]
      if letter == UInt8(ascii: "u") || letter == UInt8(ascii: "/") { return place }
      place += 2
    }
  }

  /// Appends a scalar as `JSONWriter` spells it.
  private mutating func append(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"", "\\": buffer.append(contentsOf: [0x5C, UInt8(truncatingIfNeeded: scalar.value)])
    case "\u{8}": buffer.append(contentsOf: "\\b".utf8)
    case "\u{c}": buffer.append(contentsOf: "\\f".utf8)
    case "\n": buffer.append(contentsOf: "\\n".utf8)
    case "\r": buffer.append(contentsOf: "\\r".utf8)
    case "\t": buffer.append(contentsOf: "\\t".utf8)
    case "\0"..<" ":
      buffer.append(contentsOf: "\\u00".utf8)
      for digit in [scalar.value >> 4, scalar.value & 0xF] {
        buffer.append(UInt8(truncatingIfNeeded: digit < 10 ? 0x30 + digit : 0x57 + digit))
      }
    default: buffer.append(contentsOf: UTF8Bytes(scalar))
    }
  }
}
