import GRPCFormat
import ServerSentEvents

extension FuzzTarget {
  /// However a stream is cut, the same blocks come out of it; together they are the stream.
  ///
  /// The first byte says how the rest is cut.
  func fuzzServerSentEvents(_ input: RawSpan) throws(FuzzFinding) {
    guard let choice = input.firstByte else { return }
    let bytes = input.extracting(1..<input.byteCount)
    let whole = readEvents(bytes, Chunks(choice: 0, count: bytes.byteCount))
    let cut = readEvents(bytes, Chunks(choice: choice, count: bytes.byteCount))
    try require(whole == cut, "cut by \(choice) it reads \(cut), whole \(whole)")
    if whole.error == nil {
      let joined = Array(whole.raws.joined()) + whole.unfinished
      try require(joined == [UInt8](copying: bytes), "the blocks together are \(joined)")
    }
    try rewrite(whole)
  }

  private static let eventLimits = SSELimits(lineBytesMax: 200, eventBytesMax: 400)

  private struct ReadEvents: Equatable {
    var raws: [[UInt8]] = []
    var data: [[UInt8]?] = []
    var types: [String] = []
    var ids: [String?] = []
    var retries: [Int?] = []
    var unfinished: [UInt8] = []
    var lastEventID = ""
    var error: SSEError?

    mutating func take(_ events: SSEEvents) {
      raws += events.map(\.raw)
      data += events.map(\.data)
      types += events.map(\.type)
      ids += events.map(\.id)
      retries += events.map(\.retryMilliseconds)
    }
  }

  private func readEvents(_ bytes: RawSpan, _ chunks: Chunks) -> ReadEvents {
    var reader = SSEReader(limits: FuzzTarget.eventLimits)
    var result = ReadEvents()
    do throws(SSEError) {
      try chunks.forEach(of: bytes) { (chunk: RawSpan) throws(SSEError) -> Bool in
        result.take(try reader.feed(chunk))
        return true
      }
      result.take(try reader.finish())
      result.unfinished = reader.unfinished
    } catch {
      result.error = error
    }
    result.lastEventID = reader.lastEventID
    return result
  }

  /// What was read is written and read again.
  private func rewrite(_ events: ReadEvents) throws(FuzzFinding) {
    var writer = SSEWriter()
    var expected: [[UInt8]?] = []
    for (index, data) in events.data.enumerated() {
      guard let data else { continue }
      do throws(SSEError) {
        try writer.event(
          unsafe data.span.bytes, type: events.types[index], id: events.ids[index])
        expected.append(data)
      } catch {
        throw FuzzFinding("an event of type \(events.types[index]) was read and is not writable")
      }
    }
    let again = readPlainlyWritten(writer.bytes)
    try require(again == expected, "\(expected) is written as what reads \(again)")
  }

  private func readPlainlyWritten(_ bytes: [UInt8]) -> [[UInt8]?] {
    var reader = SSEReader()
    return (try? reader.feed(unsafe bytes.span.bytes).map(\.data)) ?? []
  }
}
