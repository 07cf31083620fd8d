/// Paths as a container would see them, turned into those of this machine wherever they stand in
/// a text: `unix-dir:/run/assay/store` becomes `unix-dir:<run>/v/store-sockets`.
package struct PathRewriting: Equatable, Sendable {
  private struct Rule: Equatable, Sendable {
    let target: [UInt8]
    let replacement: [UInt8]
  }

  private let rules: [Rule]

  /// Targets are absolute; where one lies in another, the longer counts.
  package init(_ pairs: [(target: String, replacement: String)]) {
    rules =
      pairs.map { pair in
        var target = Array(pair.target.utf8)
        while target.count > 1, target.last == UInt8(ascii: "/") { target.removeLast() }
        return Rule(target: target, replacement: Array(pair.replacement.utf8))
      }
      .filter { $0.target.count > 1 }
      .sorted { $0.target.count > $1.target.count }
  }

  /// The text with every such path rewritten; `/run/assay/store2` is not below `/run/assay/store`.
  package func apply(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "/"), index == 0 || !Self.isPathByte(bytes[index - 1]),
        let rule = rules.first(where: { matches($0, bytes, at: index) })
      {
        result += rule.replacement
        index += rule.target.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private func matches(_ rule: Rule, _ bytes: [UInt8], at index: Int) -> Bool {
    let end = index + rule.target.count
    guard end <= bytes.count, bytes[index..<end].elementsEqual(rule.target) else { return false }
    return end == bytes.count || bytes[end] == UInt8(ascii: "/") || !Self.isPathByte(bytes[end])
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...0xFF:
      true
    default: "/._-".utf8.contains(byte)
    }
  }
}
