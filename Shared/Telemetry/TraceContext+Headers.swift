extension TraceContext {
  /// Bounds of the standard on `tracestate`.
  package enum Limits {
    package static let stateBytesMax = 512
    package static let stateMembersMax = 32
    /// Longer values of versions to come are not looked at.
    package static let parentBytesMax = 256
  }

  /// What another process sent; nil when `traceparent` does not hold to the standard.
  package init?(traceparent: String, tracestate: String? = nil) {
    let bytes = traceparent[...].utf8
    guard bytes.count >= 55, bytes.count <= Limits.parentBytesMax else { return nil }
    let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0].utf8.count == 2, parts[1].utf8.count == 32,
      parts[2].utf8.count == 16, parts[3].utf8.count == 2,
      let version = Hexadecimal.value(parts[0].utf8), version != 0xFF,
      version > 0 || parts.count == 4,
      let high = Hexadecimal.value(parts[1].utf8.prefix(16)),
      let low = Hexadecimal.value(parts[1].utf8.suffix(16)),
      let span = Hexadecimal.value(parts[2].utf8),
      let flags = Hexadecimal.value(parts[3].utf8),
      let traceID = TraceID(high: high, low: low), let spanID = SpanID(span)
    else { return nil }
    self.init(
      traceID: traceID, spanID: spanID, isSampled: flags & 1 == 1,
      state: tracestate.flatMap(Self.checkedState) ?? "")
  }

  /// The header that the next hop reads.
  package var traceparent: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

  /// The header beside it; nil when there is nothing to say.
  package var tracestate: String? { state.isEmpty ? nil : state }

  /// A list that is passed on must be one: `key=value`, each key once, nothing but visible ASCII.
  private static func checkedState(_ text: String) -> String? {
    guard text.utf8.count <= Limits.stateBytesMax else { return nil }
    var keys: Set<String> = []
    var members: [Substring] = []
    for part in text.split(separator: ",") {
      let member = part.trimming { $0 == " " || $0 == "\t" }
      if member.isEmpty { continue }
      guard let equals = member.firstIndex(of: "="), isKey(member[..<equals]),
        isValue(member[member.index(after: equals)...]),
        keys.insert(String(member[..<equals])).inserted
      else { return nil }
      members.append(member)
    }
    guard members.count <= Limits.stateMembersMax else { return nil }
    return members.joined(separator: ",")
  }

  private static func isKey(_ key: Substring) -> Bool {
    guard let first = key.utf8.first, key.utf8.count <= 256 else { return false }
    func isLower(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A }
    func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    return (isLower(first) || isDigit(first))
      && key.utf8.allSatisfy { isLower($0) || isDigit($0) || "_-*/@".utf8.contains($0) }
  }

  private static func isValue(_ value: Substring) -> Bool {
    guard !value.isEmpty, value.utf8.count <= 256 else { return false }
    return value.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E && $0 != 0x2C && $0 != 0x3D }
  }
}

extension Substring {
  fileprivate func trimming(_ isSpace: (Character) -> Bool) -> Substring {
    var rest = drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest
  }
}
