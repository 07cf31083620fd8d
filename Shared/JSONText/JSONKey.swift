/// Keys by what they mean: escaped spellings of one key are one key, and nothing else is.
enum JSONKey {
  /// 16 bits that equal keys share.
  static func mark(
    of content: Range<Int>, in bytes: JSONBytes, _ spelling: JSONNode.Spelling,
    scratch: inout [UInt8]
  ) -> UInt16 {
    guard spelling.contains(.escaped) else { return unsafe mark(bytes.buffer(content)) }
    scratch.removeAll(keepingCapacity: true)
    JSONEscape.decode(content, in: bytes, to: &scratch)
    return unsafe scratch.withUnsafeBytes { unsafe mark($0) }
  }

  static func mark(of text: String) -> UInt16 {
    var text = text
    return text.withUTF8 { unsafe mark(UnsafeRawBufferPointer($0)) }
  }

  /// From length, first and last eight bytes: a filter, which an enemy may fool and gain nothing.
  private static func mark(_ key: UnsafeRawBufferPointer) -> UInt16 {
    let count = key.count
    var mixed: UInt64
    if count >= 8 {
      let first = unsafe key.loadUnaligned(as: UInt64.self)
      let last = unsafe key.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      mixed = first ^ (last &* 0x9E37_79B9_7F4A_7C15)
    } else {
      mixed = 0
      for place in 0..<count { mixed = unsafe mixed << 8 | UInt64(key[place]) }
    }
    mixed = (mixed ^ UInt64(truncatingIfNeeded: count)) &* 0xBF58_476D_1CE4_E5B9
    return UInt16(truncatingIfNeeded: mixed >> 48)
  }

  static func equal(_ left: JSONNode, _ right: JSONNode, in bytes: JSONBytes) -> Bool {
    if !left.spelling.union(right.spelling).contains(.escaped) {
      return bytes.equal(left.content, right.content)
    }
    var others = DecodedBytes(right.content, in: bytes)
    for byte in DecodedBytes(left.content, in: bytes) where others.next() != byte { return false }
    return others.next() == nil
  }

  static func equal(_ key: JSONNode, _ text: Span<UInt8>, in bytes: JSONBytes) -> Bool {
    let content = key.content
    guard key.spelling.contains(.escaped) else {
      return content.count == text.count && bytes.equal(content, text)
    }
    guard content.count >= text.count else { return false }
    var place = 0
    for byte in DecodedBytes(content, in: bytes) {
      guard place < text.count, text[place] == byte else { return false }
      place += 1
    }
    return place == text.count
  }

  /// Whether the left key sorts before the right one, by the bytes that they mean.
  static func precedes(_ left: JSONNode, _ right: JSONNode, in bytes: JSONBytes) -> Bool {
    if !left.spelling.union(right.spelling).contains(.escaped) {
      return bytes.order(left.content, right.content) < 0
    }
    return DecodedBytes(left.content, in: bytes)
      .lexicographicallyPrecedes(DecodedBytes(right.content, in: bytes))
  }
}

/// The keys of one object with many members, by a hash that nobody outside can foresee.
struct JSONKeyIndex {
  private struct Slot {
    /// 0 when the slot is free.
    var nodeAfter: UInt32 = 0
    var hash: UInt32 = 0
  }

  private var slots = [Slot](repeating: Slot(), count: 64)
  private var count = 0

  /// Puts a key's node in; false when an equal key is there.
  mutating func insert(
    _ added: Int, of nodes: [JSONNode], in bytes: JSONBytes, scratch: inout [UInt8]
  ) -> Bool {
    let key = nodes[added]
    let hash = Self.hash(of: key, in: bytes, scratch: &scratch)
    var place = Int(hash) & (slots.count - 1)
    while slots[place].nodeAfter != 0 {
      if slots[place].hash == hash,
        JSONKey.equal(nodes[Int(slots[place].nodeAfter) - 1], key, in: bytes)
      {
        return false
      }
      place = (place + 1) & (slots.count - 1)
    }
    slots[place] = Slot(nodeAfter: UInt32(truncatingIfNeeded: added + 1), hash: hash)
    count += 1
    if count * 2 > slots.count { grow() }
    return true
  }

  private mutating func grow() {
    var larger = [Slot](repeating: Slot(), count: slots.count * 2)
    for slot in slots where slot.nodeAfter != 0 {
      var place = Int(slot.hash) & (larger.count - 1)
      while larger[place].nodeAfter != 0 { place = (place + 1) & (larger.count - 1) }
      larger[place] = slot
    }
    slots = larger
  }

  private static func hash(
    of key: JSONNode, in bytes: JSONBytes, scratch: inout [UInt8]
  ) -> UInt32 {
    var hasher = Hasher()
    if key.spelling.contains(.escaped) {
      scratch.removeAll(keepingCapacity: true)
      JSONEscape.decode(key.content, in: bytes, to: &scratch)
      unsafe scratch.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    } else {
      unsafe hasher.combine(bytes: bytes.buffer(key.content))
    }
    return UInt32(truncatingIfNeeded: hasher.finalize())
  }
}
