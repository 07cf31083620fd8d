import CMicroHTTPD

/// Reads a request's head from the library's buffer, stricter than the library does.
///
/// It takes bare LF for a line's end, stops at NUL, joins folded lines and believes the first of
/// several Content-Lengths: each a way to have two parties read two requests out of the same
/// bytes. In its buffer the colon behind a name and every CR and LF have become NUL, and nothing
/// has moved. So whatever the peer sent besides shows here, and is refused.
@safe struct HeadReader {
  private let limits: HTTPServerLimits
  private let bytes: UnsafeRawBufferPointer
  private let byteCount: Int
  private let targetCount: Int
  private let methodCount: Int

  private static let versionCount = 8

  /// `method` begins the `headByteCount` bytes of the head.
  init(
    method: UnsafePointer<CChar>, headByteCount: Int, targetCount: Int, limits: HTTPServerLimits
  ) {
    self.limits = limits
    unsafe bytes = UnsafeRawBufferPointer(start: method, count: headByteCount)
    byteCount = headByteCount
    self.targetCount = targetCount
    methodCount = unsafe strlen(method)
  }

  /// What the fields say about the body, and how many there are.
  private struct Findings {
    var count = 0
    var length: Range<Int>?
    var coding: Range<Int>?
    var hosts = 0
  }

  /// `libraryCount` is the number of fields that the library found.
  func head(
    target: [UInt8], libraryCount: Int, peer: HTTPPeer
  ) -> Result<HTTPRequestHead, HTTPRefusal> {
    guard byteCount <= limits.headBytesMax else { return .failure(.headTooLarge) }
    guard targetCount <= limits.targetBytesMax else { return .failure(.targetTooLong) }
    let versionStart = methodCount + 1 + targetCount + 1
    let fieldsStart = versionStart + Self.versionCount + 2
    guard fieldsStart + 2 <= byteCount, let isLatest = version(at: versionStart),
      unsafe bytes[..<methodCount].allSatisfy(\.isToken), TargetRule.allows(target)
    else { return .failure(.malformed) }
    var findings = Findings()
    let fields = fieldsStart..<(byteCount - 2)
    guard walk(fields, &findings), findings.count == libraryCount, findings.hosts <= 1 else {
      return .failure(.malformed)
    }
    guard findings.count <= limits.headerCountMax else { return .failure(.headTooLarge) }
    return framing(findings, isLatest).flatMap { framing in
      var kept = target
      kept.reserveCapacity(targetCount + fields.count)
      unsafe kept.append(contentsOf: bytes[fields])
      let method = unsafe String(decoding: bytes[..<methodCount], as: UTF8.self)
      return .success(
        HTTPRequestHead(
          checked: kept, targetCount: targetCount, method: HTTPMethod(rawValue: method),
          peer: peer, body: framing))
    }
  }

  /// Whether it is HTTP/1.1; nil for a version we do not speak, or a line that does not end well.
  private func version(at start: Int) -> Bool? {
    let end = start + Self.versionCount
    guard unsafe bytes[start - 1] == 0, unsafe bytes[end] == 0, unsafe bytes[end + 1] == 0,
      unsafe bytes[start..<(end - 1)].elementsEqual("HTTP/1.".utf8)
    else { return nil }
    switch unsafe bytes[end - 1] {
    case UInt8(ascii: "1"): return true
    case UInt8(ascii: "0"): return false
    default: return nil
    }
  }

  private func walk(_ fields: Range<Int>, _ findings: inout Findings) -> Bool {
    var index = fields.lowerBound
    while index < fields.upperBound {
      let name = index
      while index < fields.upperBound, unsafe bytes[index].isToken { index += 1 }
      guard index > name, index < fields.upperBound, unsafe bytes[index] == 0 else { return false }
      let value = index + 1
      index = value
      while index < fields.upperBound, unsafe bytes[index].isFieldContent { index += 1 }
      guard index + 2 <= fields.upperBound, unsafe bytes[index] == 0,
        unsafe bytes[index + 1] == 0
      else { return false }
      guard note(name..<(value - 1), value..<index, &findings) else { return false }
      index += 2
    }
    return index == fields.upperBound
  }

  /// False for a second field where only one may be.
  private func note(_ name: Range<Int>, _ value: Range<Int>, _ findings: inout Findings) -> Bool {
    findings.count += 1
    switch name.count {
    case 4 where isNamed(name, "host"): findings.hosts += 1
    case 14 where isNamed(name, "content-length"):
      guard findings.length == nil else { return false }
      findings.length = trimmed(value)
    case 17 where isNamed(name, "transfer-encoding"):
      guard findings.coding == nil else { return false }
      findings.coding = trimmed(value)
    default: break
    }
    return true
  }

  private func framing(
    _ findings: Findings, _ isLatest: Bool
  ) -> Result<HTTPRequestHead.BodyFraming, HTTPRefusal> {
    if let coding = findings.coding {
      guard findings.length == nil, isLatest else { return .failure(.malformed) }
      guard isNamed(coding, "chunked") else { return .failure(.codingUnknown) }
      return .success(HTTPRequestHead.BodyFraming(length: nil, isChunked: true))
    }
    guard let length = findings.length else { return .success(HTTPRequestHead.BodyFraming()) }
    // 18 digits fit every integer here.
    guard (1...18).contains(length.count),
      unsafe bytes[length].allSatisfy({ (48...57).contains($0) })
    else { return .failure(.malformed) }
    let value = unsafe bytes[length].reduce(0) { $0 * 10 + Int($1 - 48) }
    return .success(HTTPRequestHead.BodyFraming(length: value))
  }

  private func trimmed(_ range: Range<Int>) -> Range<Int> {
    var range = range
    while let first = range.first, unsafe bytes[first].isBlank {
      range = (first + 1)..<range.upperBound
    }
    while let last = range.last, unsafe bytes[last].isBlank { range = range.lowerBound..<last }
    return range
  }

  private func isNamed(_ range: Range<Int>, _ name: StaticString) -> Bool {
    guard range.count == name.utf8CodeUnitCount else { return false }
    for (offset, index) in range.enumerated()
    where unsafe bytes[index].asciiLowercased != name.utf8Start[offset] {
      return false
    }
    return true
  }
}

/// Whether a target is one that we route: a path, a whole `http` address, or the `*` of OPTIONS.
enum TargetRule {
  static func allows(_ target: [UInt8]) -> Bool {
    guard target.allSatisfy({ $0 > 32 && $0 != 127 }) else { return false }
    guard
      target.first == UInt8(ascii: "/") || target == [UInt8(ascii: "*")]
        || target.starts(with: "http://".utf8) || target.starts(with: "https://".utf8)
    else { return false }
    guard target.contains(UInt8(ascii: "%")) else { return true }
    let path = target.prefix { $0 != UInt8(ascii: "?") }
    return PercentCoding.isWellFormed(path)
  }
}
