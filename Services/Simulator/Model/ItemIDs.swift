/// Finds the ids of items that a prompt lists, as `"id": "a7"`, `"id": 7` or `[ID: a7]`.
enum ItemIDs {
  /// In their order, each once.
  static func find(in texts: [String]) -> [String] {
    var found: [String] = []
    var seen: Set<String> = []
    for text in texts {
      var rest = Array(text.utf8)[...]
      while found.count < ModelLimits.itemsMax, let id = next(in: &rest) {
        if seen.insert(id).inserted { found.append(id) }
      }
    }
    return found
  }

  private static let quote = UInt8(ascii: "\"")
  private static let bracket = UInt8(ascii: "[")

  private static func next(in rest: inout ArraySlice<UInt8>) -> String? {
    while let place = rest.firstIndex(where: { $0 == quote || $0 == bracket }) {
      let isQuote = rest[place] == quote
      rest = rest[(place + 1)...]
      var probe = rest
      let word = probe.prefix(2).map { $0 | 0x20 }
      guard word == Array("id".utf8) else { continue }
      probe = probe.dropFirst(2)
      if isQuote {
        guard probe.first == quote else { continue }
        probe = probe.dropFirst()
      }
      skipSpace(&probe)
      guard probe.first == UInt8(ascii: ":") else { continue }
      probe = probe.dropFirst()
      skipSpace(&probe)
      guard let id = value(&probe, isQuote: isQuote) else { continue }
      rest = probe
      return id
    }
    rest = []
    return nil
  }

  private static func value(_ probe: inout ArraySlice<UInt8>, isQuote: Bool) -> String? {
    let isText = probe.first == quote
    if isText { probe = probe.dropFirst() }
    let id = probe.prefix { byte in
      isText ? byte != quote : isIDByte(byte)
    }
    probe = probe.dropFirst(id.count)
    guard (1...128).contains(id.count) else { return nil }
    if isText || !isQuote {
      let end = isText ? quote : UInt8(ascii: "]")
      guard probe.first == end else { return nil }
    }
    return String(decoding: id, as: UTF8.self)
  }

  private static func skipSpace(_ probe: inout ArraySlice<UInt8>) {
    probe = probe.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 || $0 == 0x0D }
  }

  private static func isIDByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || [0x2D, 0x2E, 0x3A, 0x5F, 0x23, 0x2F].contains(byte)
  }
}
