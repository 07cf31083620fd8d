import EventLoop

/// Reads HTTP/1.1 requests from bytes as they come: strict, one at a time, within limits.
struct HTTPParser {
  enum Step {
    case more
    case request(HTTPRequest)
    /// The client waits to be told that it may send its body.
    case wantsContinue
    /// Nothing that follows can be read.
    case refused(status: Int, String)
  }

  private enum State {
    case head
    case sized(Int)
    case chunkSize, chunk(Int), chunkEnd, trailer
    case failed
  }

  private let limits: HTTPLimits
  private var bytes: [UInt8] = []
  /// Where the next unread byte is, and up to where no end of a head was found.
  private var place = 0
  private var scanned = 0
  private var state = State.head
  private var request = HTTPRequest()
  private var owesContinue = false

  init(limits: HTTPLimits) { self.limits = limits }

  var waitingByteCount: Int { bytes.count - place }

  mutating func append(_ more: RawSpan) { bytes.append(copying: more) }

  mutating func next() -> Step {
    while true {
      switch state {
      case .failed: return .more
      case .head:
        guard let end = headEnd() else {
          guard waitingByteCount <= limits.headBytesMax else {
            return refuse(431, "the head is longer than \(limits.headBytesMax) bytes")
          }
          return .more
        }
        if let refusal = readHead(to: end) { return refusal }
      case .sized(let count):
        guard waitingByteCount >= count else { return missingBody(count) }
        request.body = Array(bytes[place..<(place + count)])
        place += count
        return finished()
      case .chunkSize, .chunkEnd, .trailer:
        guard let line = line() else {
          guard waitingByteCount <= 1024 else { return refuse(400, "a chunk's line is too long") }
          return missingBody(0)
        }
        if let step = take(line) { return step }
      case .chunk(let count):
        guard waitingByteCount >= count else { return missingBody(0) }
        request.body += bytes[place..<(place + count)]
        place += count
        state = .chunkEnd
      }
    }
  }

  private mutating func missingBody(_ count: Int) -> Step {
    if count > 0 { bytes.reserveCapacity(place + count) }
    guard owesContinue, waitingByteCount == 0 else { return .more }
    owesContinue = false
    return .wantsContinue
  }

  private mutating func finished() -> Step {
    defer { request = HTTPRequest() }
    state = .head
    if place == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 256 << 10)
    } else {
      bytes.removeFirst(place)
    }
    place = 0
    scanned = 0
    return .request(request)
  }

  private mutating func refuse(_ status: Int, _ why: String) -> Step {
    state = .failed
    bytes = []
    place = 0
    return .refused(status: status, why)
  }

  // MARK: - Chunks

  private mutating func line() -> Range<Int>? {
    guard let end = bytes[place...].firstIndex(of: 0x0A) else { return nil }
    let line = place..<(end > place && bytes[end - 1] == 0x0D ? end - 1 : end)
    place = end + 1
    return line
  }

  private mutating func take(_ line: Range<Int>) -> Step? {
    switch state {
    case .chunkEnd:
      guard line.isEmpty else { return refuse(400, "a chunk does not end where it says") }
      state = .chunkSize
    case .trailer:
      if line.isEmpty { return finished() }
    default:
      let digits = bytes[line].prefix { $0 != UInt8(ascii: ";") }
      guard digits.count <= 8, let size = Int(Self.text(digits), radix: 16), size >= 0 else {
        return refuse(400, "a chunk's size is no number")
      }
      guard request.body.count + size <= limits.bodyBytesMax else {
        return refuse(413, "the body is larger than \(limits.bodyBytesMax) bytes")
      }
      state = size == 0 ? .trailer : .chunk(size)
      // What was read of a body in chunks is not kept twice.
      if place > 1 << 16 {
        bytes.removeFirst(place)
        place = 0
      }
    }
    return nil
  }

  // MARK: - Head

  /// The place behind the empty line that ends a head.
  private mutating func headEnd() -> Int? {
    var index = max(place, scanned)
    let last = min(bytes.count, place + limits.headBytesMax)
    while index < last {
      guard bytes[index] == 0x0A else {
        index += 1
        continue
      }
      if index == place || (index == place + 1 && bytes[place] == 0x0D) {
        // An empty line before a request is passed over.
        place = index + 1
      } else if bytes[index - 1] == 0x0A
        || (index > place + 1 && bytes[index - 1] == 0x0D && bytes[index - 2] == 0x0A)
      {
        return index + 1
      }
      index += 1
    }
    scanned = max(place, last)
    return nil
  }

  /// A refusal when the head is not as it should be.
  private mutating func readHead(to end: Int) -> Step? {
    guard let first = line(), readRequestLine(first) else {
      return refuse(400, "no request line")
    }
    var length: Int?
    var isChunked = false
    while place < end, let line = line(), !line.isEmpty {
      guard let header = header(in: line) else { return refuse(400, "a header without a name") }
      guard request.headers.count < limits.headersMax else {
        return refuse(431, "more than \(limits.headersMax) headers")
      }
      request.headers.append(header)
      switch header.name {
      case "content-length":
        guard length == nil, let count = Int(header.value), count >= 0,
          header.value.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return refuse(400, "a content-length that cannot be") }
        length = count
      case "transfer-encoding":
        guard header.value.lowercased() == "chunked" else {
          return refuse(501, "only chunked can be read")
        }
        isChunked = true
      case "connection":
        let value = header.value.lowercased()
        if value == "close" { request.isKeptAlive = false }
      case "expect": owesContinue = header.value.lowercased() == "100-continue"
      default: break
      }
    }
    place = end
    guard !isChunked || length == nil else {
      return refuse(400, "content-length and transfer-encoding at once")
    }
    guard length ?? 0 <= limits.bodyBytesMax else {
      return refuse(413, "the body is larger than \(limits.bodyBytesMax) bytes")
    }
    state = isChunked ? .chunkSize : .sized(length ?? 0)
    return nil
  }

  private mutating func readRequestLine(_ line: Range<Int>) -> Bool {
    let words = bytes[line].split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, !words[0].isEmpty, words[1].first == UInt8(ascii: "/") else {
      return false
    }
    switch Self.text(words[2]) {
    case "HTTP/1.1": break
    case "HTTP/1.0": request.isKeptAlive = false
    default: return false
    }
    request.method = Self.text(words[0])
    let parts = words[1].split(
      separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    request.path = Self.text(parts[0])
    request.query = parts.count > 1 ? Self.text(parts[1]) : ""
    return true
  }

  private func header(in line: Range<Int>) -> (name: String, value: String)? {
    guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")), colon > line.lowerBound
    else { return nil }
    var hasCapitals = false
    for index in line.lowerBound..<colon {
      let byte = bytes[index]
      guard byte > 0x20, byte < 0x7F else { return nil }
      if byte >= 0x41, byte <= 0x5A { hasCapitals = true }
    }
    var first = colon + 1
    var last = line.upperBound
    while first < last, bytes[first] == 0x20 || bytes[first] == 0x09 { first += 1 }
    while first < last, bytes[last - 1] == 0x20 || bytes[last - 1] == 0x09 { last -= 1 }
    let name = bytes[line.lowerBound..<colon]
    let lower =
      hasCapitals
      ? String(decoding: name.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
      : Self.text(name)
    return (lower, Self.text(bytes[first..<last]))
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
