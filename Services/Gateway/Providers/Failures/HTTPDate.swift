import GatewayValues

/// The dates of HTTP and of the internet's other headers.
package enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `Sun, 06 Nov 1994 08:49:37 GMT` in milliseconds since 1970; nil for any other form: servers
  /// must not send the two that are obsolete.
  package static func milliseconds(_ text: String) -> Int64? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
      let day = number(parts[1], 1...31), let month = months.firstIndex(of: String(parts[2])),
      let year = number(parts[3], 1970...9999)
    else { return nil }
    let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
    guard clock.count == 3, let hour = number(clock[0], 0...23),
      let minute = number(clock[1], 0...59), let second = number(clock[2], 0...60)
    else { return nil }
    let days = CivilDate(year: Int64(year), month: Int64(month + 1), day: Int64(day)).number
    return (days * CivilDate.daySeconds + Int64(hour * 3_600 + minute * 60 + second)) * 1_000
  }

  /// `2026-01-02T03:04:05Z`, with or without a fraction, in milliseconds since 1970.
  package static func millisecondsOfInternetTime(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"),
      bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
      bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
    else { return nil }
    func part(_ range: Range<Int>, _ allowed: ClosedRange<Int>) -> Int? {
      number(String(decoding: bytes[range], as: UTF8.self)[...], allowed)
    }
    guard let year = part(0..<4, 1970...9999), let month = part(5..<7, 1...12),
      let day = part(8..<10, 1...31), let hour = part(11..<13, 0...23),
      let minute = part(14..<16, 0...59), let second = part(17..<19, 0...60)
    else { return nil }
    let fraction = bytes[19..<bytes.count - 1]
    guard fraction.isEmpty || fraction.first == UInt8(ascii: ".") else { return nil }
    var milliseconds = 0
    for (place, byte) in fraction.dropFirst().enumerated() {
      guard (48...57).contains(byte) else { return nil }
      if place < 3 { milliseconds += Int(byte - 48) * [100, 10, 1][place] }
    }
    let days = CivilDate(year: Int64(year), month: Int64(month), day: Int64(day)).number
    let seconds = days * CivilDate.daySeconds + Int64(hour * 3_600 + minute * 60 + second)
    return seconds * 1_000 + Int64(milliseconds)
  }

  private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
      let value = Int(text), range.contains(value)
    else { return nil }
    return value
  }
}
