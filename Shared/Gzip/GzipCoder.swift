import CZlib

/// zlib's state for both directions, allocated at first use and used again for each message.
///
/// About 260 KiB once it has compressed and 40 KiB once it has decompressed. Not thread safe:
/// keep one where messages are handled one after another, a connection or a loop.
@safe
package struct GzipCoder: ~Copyable {
  private let level: GzipLevel
  // zlib keeps the address of its stream, so both live in memory of their own.
  private var deflater: UnsafeMutablePointer<z_stream>?
  private var inflater: UnsafeMutablePointer<z_stream>?
  /// What zlib writes into before it is appended to the result.
  private var chunk: [UInt8] = []

  private static let chunkBytes = 32 << 10
  /// zlib's window of 32 KiB; 16 more asks for gzip's framing and for no other.
  private static let windowBits: Int32 = 15 + 16
  private static let memoryLevel: Int32 = 8

  package init(level: GzipLevel = .fast) {
    self.level = level
    unsafe deflater = nil
    unsafe inflater = nil
  }

  deinit {
    if let deflater = unsafe deflater {
      unsafe deflateEnd(deflater)
      unsafe deflater.deallocate()
    }
    if let inflater = unsafe inflater {
      unsafe inflateEnd(inflater)
      unsafe inflater.deallocate()
    }
  }

  // MARK: - Compressing

  package mutating func compress(_ bytes: RawSpan) -> [UInt8] {
    var result: [UInt8] = []
    compress(bytes, appendingTo: &result)
    return result
  }

  /// Puts one gzip member behind what `result` holds.
  package mutating func compress(_ bytes: RawSpan, appendingTo result: inout [UInt8]) {
    let stream = unsafe readyDeflater()
    unsafe bytes.withUnsafeBytes { input in
      var rest = unsafe input[...]
      while true {
        let isFed = unsafe feed(&rest, to: stream)
        let code = unsafe step(stream, into: &result) { stream in
          unsafe deflate(stream, isFed ? Z_FINISH : Z_NO_FLUSH)
        }
        if code == Z_STREAM_END { return }
        // Z_BUF_ERROR only says that this step had nothing to do.
        precondition(code == Z_OK || code == Z_BUF_ERROR, "deflate fails on no input")
      }
    }
  }

  private mutating func readyDeflater() -> UnsafeMutablePointer<z_stream> {
    if let known = unsafe deflater {
      unsafe deflateReset(known)
      unsafe Self.forgetInput(of: known)
      return unsafe known
    }
    let fresh = unsafe Self.allocate()
    let code = unsafe deflateInit2_(
      fresh, level.rawValue, Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY,
      ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib found no memory, as Swift's own arrays would not")
    unsafe deflater = fresh
    return unsafe fresh
  }

  // MARK: - Decompressing

  /// At most `limit` bytes, or nothing.
  package mutating func decompress(_ bytes: RawSpan, limit: Int) throws(GzipError) -> [UInt8] {
    var result: [UInt8] = []
    let stream = unsafe readyInflater()
    try unsafe bytes.withUnsafeBytes { (input) throws(GzipError) in
      var rest = unsafe input[...]
      while true {
        let isFed = unsafe feed(&rest, to: stream)
        let code = unsafe step(stream, into: &result) { stream in
          unsafe inflate(stream, Z_NO_FLUSH)
        }
        guard result.count <= limit else { throw .tooLarge(limit: limit) }
        switch code {
        case Z_STREAM_END:
          guard isFed, unsafe stream.pointee.avail_in == 0 else { throw .trailingBytes }
          return
        case Z_OK
        where unsafe !isFed || stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0:
          continue
        case Z_OK, Z_BUF_ERROR: throw .truncated
        default: throw .corrupt
        }
      }
    }
    return result
  }

  private mutating func readyInflater() -> UnsafeMutablePointer<z_stream> {
    if let known = unsafe inflater {
      unsafe inflateReset(known)
      unsafe Self.forgetInput(of: known)
      return unsafe known
    }
    let fresh = unsafe Self.allocate()
    let code = unsafe inflateInit2_(
      fresh, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib found no memory, as Swift's own arrays would not")
    unsafe inflater = fresh
    return unsafe fresh
  }

  // MARK: - Both

  private static func allocate() -> UnsafeMutablePointer<z_stream> {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    return unsafe stream
  }

  /// A message that was given up left a pointer into bytes that are gone.
  private static func forgetInput(of stream: UnsafeMutablePointer<z_stream>) {
    unsafe stream.pointee.next_in = nil
    unsafe stream.pointee.avail_in = 0
  }

  /// Gives the next input to a stream that has none left (its count has 32 bits); true when
  /// nothing remains behind it.
  private func feed(
    _ rest: inout Slice<UnsafeRawBufferPointer>, to stream: UnsafeMutablePointer<z_stream>
  ) -> Bool {
    guard unsafe stream.pointee.avail_in == 0, unsafe !rest.isEmpty else {
      return unsafe rest.isEmpty
    }
    let part = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(Int(UInt32.max)))
    // zlib's header takes a pointer to mutable bytes and never writes to them.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: part.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.pointee.avail_in = UInt32(part.count)
    unsafe rest = rest.dropFirst(part.count)
    return unsafe rest.isEmpty
  }

  /// One call of zlib into the chunk; what it wrote goes to the result.
  private mutating func step(
    _ stream: UnsafeMutablePointer<z_stream>, into result: inout [UInt8],
    _ work: (UnsafeMutablePointer<z_stream>) -> Int32
  ) -> Int32 {
    if chunk.isEmpty { chunk = [UInt8](repeating: 0, count: Self.chunkBytes) }
    return unsafe chunk.withUnsafeMutableBufferPointer { room in
      unsafe stream.pointee.next_out = room.baseAddress
      unsafe stream.pointee.avail_out = UInt32(room.count)
      let code = unsafe work(stream)
      let written = unsafe room.count - Int(stream.pointee.avail_out)
      unsafe result.append(contentsOf: room[..<written])
      return code
    }
  }
}
