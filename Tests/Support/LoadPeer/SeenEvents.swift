import Protobuf

/// A watcher's message, looked at no further than its events' sequences and times: what is
/// measured is how soon it comes, not how fast this process unpacks a thousand copies of it.
struct SeenEvents: WireMessage {
  static let wireName = "assay.orchestrator.v1.WatchResponse"

  private(set) var sequences: [Int64] = []
  private(set) var times: [Int64] = []

  init() {}

  init(unpacking bytes: RawSpan) throws(WireError) {
    unsafe bytes.withUnsafeBytes { buffer in
      var place = 0
      while place < buffer.count {
        let tag = unsafe SeenEvents.number(buffer, &place)
        let length = Int(unsafe SeenEvents.number(buffer, &place))
        guard tag == 0x0A, length <= buffer.count - place else { return }
        var inner = place
        // An event begins with its sequence (field 1) and its time (field 2).
        guard unsafe SeenEvents.number(buffer, &inner) == 0x08 else { return }
        sequences.append(Int64(bitPattern: unsafe SeenEvents.number(buffer, &inner)))
        guard unsafe SeenEvents.number(buffer, &inner) == 0x10 else { return }
        times.append(Int64(bitPattern: unsafe SeenEvents.number(buffer, &inner)))
        place += length
      }
    }
  }

  func appendPacked(to bytes: inout [UInt8]) {}

  /// A varint; 0 where the bytes end.
  private static func number(_ buffer: UnsafeRawBufferPointer, _ place: inout Int) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while place < buffer.count, shift < 64 {
      let byte = unsafe buffer[place]
      place += 1
      value |= UInt64(byte & 0x7F) << shift
      guard byte & 0x80 != 0 else { return value }
      shift += 7
    }
    return value
  }
}
