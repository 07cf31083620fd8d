/// Reads an event stream as it arrives.
///
/// However the bytes are cut, the same blocks come out, each as soon as its blank line is there.
/// Only where lines end in CR LF does a block wait for its last line feed; elsewhere a line feed
/// behind the carriage return that ends a block begins the next one's bytes. Time is linear in the
/// bytes; what is held is the unfinished block.
package struct SSEReader: Sendable {
  private let limits: SSELimits
  /// The bytes of the block that has not ended.
  private var held: [UInt8] = []
  /// Where in them the unfinished line begins, and before which place no line ends.
  private var lineStart = 0
  private var scanned = 0
  private var block = SSEBlock()
  private var isAtStart = true
  private var ending = Ending.other
  private var returned = Returned.no
  private var failure: SSEError?

  /// The id that the last block with one has set: what a client sends as `Last-Event-ID`.
  package private(set) var lastEventID = ""

  /// How the last line that was not blank ended.
  private enum Ending: Sendable {
    case returnAndFeed
    case other
  }

  /// Whether a carriage return came last, to which a line feed may belong, and what it ended.
  private enum Returned: Sendable {
    case no
    case line
    case block
    /// A block that is complete when its line feed has come, or something else.
    case waitingBlock
  }

  package init(limits: SSELimits = SSELimits()) { self.limits = limits }

  /// The bytes of the block that has not ended, as they came.
  package var unfinished: [UInt8] { held }

  /// Takes the next bytes; gives the blocks that they complete.
  ///
  /// What breaks a limit is thrown behind the blocks before it: at once when there are none, else
  /// by the next call. Nothing is read behind it.
  package mutating func feed(_ chunk: [UInt8]) throws(SSEError) -> SSEEvents {
    try feed(unsafe chunk.span.bytes)
  }

  /// Takes the next bytes of the stream, wherever they were cut; the events that end in them.
  package mutating func feed(_ chunk: RawSpan) throws(SSEError) -> SSEEvents {
    if let failure { throw failure }
    unsafe chunk.withUnsafeBytes { unsafe held.append(contentsOf: $0) }
    guard !isAtStart || skipByteOrderMark() else { return SSEEvents.none }
    let bytes = held
    held = []
    var blocks: [SSEBlock] = []
    read(bytes, into: &blocks)
    return try result(bytes, blocks)
  }

  /// The stream has ended: gives the block that only waited for its line feed. What is unfinished
  /// is no event to anyone.
  package mutating func finish() throws(SSEError) -> SSEEvents {
    if let failure { throw failure }
    guard returned == .waitingBlock else { return SSEEvents.none }
    let bytes = held
    held = []
    var blocks: [SSEBlock] = []
    returned = .no
    complete(at: bytes.count, of: bytes, into: &blocks)
    return try result(bytes, blocks)
  }

  private mutating func result(
    _ bytes: [UInt8], _ blocks: [SSEBlock]
  ) throws(SSEError) -> SSEEvents {
    guard let last = blocks.last else {
      if let failure { throw failure }
      held = bytes
      return SSEEvents.none
    }
    let start = last.raw.upperBound
    if failure == nil {
      held.append(contentsOf: bytes[start...])
      lineStart -= start
      scanned -= start
      block.move(by: -start)
    }
    return SSEEvents(bytes: bytes, blocks: blocks)
  }

  /// Whether reading can begin: three bytes have come, or one that begins no mark.
  private mutating func skipByteOrderMark() -> Bool {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    if held.starts(with: mark) {
      lineStart = mark.count
      scanned = mark.count
    } else if mark.starts(with: held) {
      return false
    }
    isAtStart = false
    return true
  }

  // MARK: - Lines

  private mutating func read(_ bytes: [UInt8], into blocks: inout [SSEBlock]) {
    while failure == nil {
      if returned != .no {
        guard scanned < bytes.count else { return }
        afterReturn(bytes, into: &blocks)
        continue
      }
      let end = SSELine.end(from: scanned, in: bytes)
      let isWhole = end < bytes.count
      scanned = isWhole ? end + 1 : end
      check(lineEnd: end)
      guard isWhole, failure == nil else { return }
      let isReturn = bytes[end] == 0x0D
      if lineStart < end {
        field(lineStart..<end, of: bytes)
        ending = .other
        returned = isReturn ? .line : .no
      } else if isReturn, ending == .returnAndFeed {
        returned = .waitingBlock
      } else {
        complete(at: scanned, of: bytes, into: &blocks)
        returned = isReturn ? .block : .no
      }
      lineStart = scanned
    }
  }

  /// Takes the line feed that belongs to a carriage return, if it is one.
  private mutating func afterReturn(_ bytes: [UInt8], into blocks: inout [SSEBlock]) {
    let before = returned
    let isFeed = bytes[scanned] == 0x0A
    returned = .no
    if isFeed {
      scanned += 1
      lineStart = scanned
      check(lineEnd: scanned)
      guard failure == nil else { return }
    }
    if before == .line, isFeed { ending = .returnAndFeed }
    if before == .waitingBlock { complete(at: scanned, of: bytes, into: &blocks) }
  }

  /// Says which limit is broken first by the bytes before `scanned`.
  private mutating func check(lineEnd: Int) {
    let lineMax = lineStart + limits.lineBytesMax
    let eventMax = block.raw.lowerBound + limits.eventBytesMax
    if scanned > eventMax, lineEnd <= lineMax || eventMax <= lineMax {
      failure = .eventTooLarge(limit: limits.eventBytesMax)
    } else if lineEnd > lineMax {
      failure = .lineTooLong(limit: limits.lineBytesMax)
    }
  }

  private mutating func complete(
    at end: Int, of bytes: [UInt8], into blocks: inout [SSEBlock]
  ) {
    block.raw = block.raw.lowerBound..<end
    if let id = block.id { lastEventID = String(decoding: bytes[id], as: UTF8.self) }
    blocks.append(block)
    block = SSEBlock()
    block.raw = end..<end
  }

  private mutating func field(_ line: Range<Int>, of bytes: [UInt8]) {
    let (name, value) = SSELine.parts(of: line, in: bytes)
    switch SSELine.field(name, in: bytes) {
    case .data:
      if block.dataCount == 0 { block.firstData = value }
      block.lastData = value
      block.dataCount += 1
    case .event: block.type = value
    case .id:
      // With a NUL the line means nothing.
      guard !bytes[value].contains(0) else { return }
      block.id = value
    case .retry:
      guard !value.isEmpty, bytes[value].allSatisfy({ $0 &- 0x30 < 10 }) else { return }
      block.retryMilliseconds = Int(String(decoding: bytes[value], as: UTF8.self)) ?? .max
    case .other: break
    }
  }
}
