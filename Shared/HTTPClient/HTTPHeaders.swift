/// The headers of a response in the order in which they came, as the bytes that came.
///
/// They are read when somebody asks: a call whose reader wants two of thirty pays for two.
package struct HTTPHeaders: Sendable {
  /// `Name: value` and CRLF, line after line, without the status line.
  package let raw: [UInt8]
  /// Where each line begins.
  private let starts: [Int]

  init(raw: [UInt8], starts: [Int]) {
    self.raw = raw
    self.starts = starts
  }

  /// The first value under `name`, whatever its case.
  package subscript(name: StaticString) -> String? {
    let wanted = unsafe UnsafeBufferPointer(
      start: name.utf8Start, count: name.utf8CodeUnitCount)
    for index in starts.indices {
      // Most names differ by where their colon is.
      let colon = starts[index] + wanted.count
      guard colon < raw.count, raw[colon] == UInt8(ascii: ":") else { continue }
      let line = line(index)
      if unsafe isName(line, wanted) { return value(of: line) }
    }
    return nil
  }

  /// All values under `name`, whatever its case.
  package func all(_ name: String) -> [String] {
    fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }

  /// All headers; one whose line has no colon is left out.
  package var fields: [HTTPField] {
    var fields: [HTTPField] = []
    for index in starts.indices {
      let line = line(index)
      guard let colon = raw[line].firstIndex(of: UInt8(ascii: ":")) else { continue }
      fields.append(
        HTTPField(String(decoding: raw[line.lowerBound..<colon], as: UTF8.self), value(of: line)))
    }
    return fields
  }

  /// A line without its end.
  private func line(_ index: Int) -> Range<Int> {
    let begin = starts[index]
    var end = index + 1 < starts.count ? starts[index + 1] : raw.count
    if end > begin, raw[end - 1] == UInt8(ascii: "\n") { end -= 1 }
    if end > begin, raw[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return begin..<end
  }

  private func isName(_ line: Range<Int>, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
    let colon = line.lowerBound + wanted.count
    guard colon < line.upperBound, raw[colon] == UInt8(ascii: ":") else { return false }
    for index in 0..<wanted.count {
      let (have, want) = unsafe (raw[line.lowerBound + index], wanted[index])
      guard Self.lowercased(have) == Self.lowercased(want) else { return false }
    }
    return true
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }

  private func value(of line: Range<Int>) -> String {
    guard let colon = raw[line].firstIndex(of: UInt8(ascii: ":")) else { return "" }
    var (start, end) = (colon + 1, line.upperBound)
    while start < end, raw[start] == 0x20 || raw[start] == 0x09 { start += 1 }
    while end > start, raw[end - 1] == 0x20 || raw[end - 1] == 0x09 { end -= 1 }
    return String(decoding: raw[start..<end], as: UTF8.self)
  }
}

/// A response's head while it comes, line by line; interim ones (1xx) are forgotten.
struct ResponseHead {
  private var lines: [UInt8] = []
  private var starts: [Int] = []
  private(set) var status = 0
  private(set) var isComplete = false
  /// All bytes that came before the body, interim heads too.
  private(set) var byteCount = 0

  enum Step { case goesOn, complete, tooLarge, malformed }

  /// Takes one line with its end, as libcurl cuts them. Trailers come here too, and are dropped.
  mutating func take(_ line: UnsafeRawBufferPointer, max: Int) -> Step {
    byteCount += line.count
    guard byteCount <= max else { return .tooLarge }
    guard !isComplete else { return .goesOn }
    if status == 0 {
      status = unsafe Self.status(of: line)
      (lines, starts) = ([], [])
      return status == 0 ? .malformed : .goesOn
    }
    guard unsafe line.first == UInt8(ascii: "\r") || line.first == UInt8(ascii: "\n") else {
      starts.append(lines.count)
      unsafe lines.append(contentsOf: line)
      return .goesOn
    }
    guard status >= 200 || status == 101 else {
      status = 0
      return .goesOn
    }
    isComplete = true
    return .complete
  }

  mutating func takeHeaders() -> HTTPHeaders {
    defer { (lines, starts) = ([], []) }
    return HTTPHeaders(raw: lines, starts: starts)
  }

  /// `HTTP/1.1 200 …`, `HTTP/2 200`; 0 for anything else.
  private static func status(of line: UnsafeRawBufferPointer) -> Int {
    guard let space = unsafe line.firstIndex(of: UInt8(ascii: " ")), space + 3 < line.count else {
      return 0
    }
    var status = 0
    for index in space + 1...space + 3 {
      let digit = unsafe Int(line[index]) - 0x30
      guard (0...9).contains(digit) else { return 0 }
      status = status * 10 + digit
    }
    return status >= 100 ? status : 0
  }
}
