/// A request's body on its way: chunks that wait to be copied into libcurl's buffer.
struct OutgoingBody {
  /// Whether the request has none at all, not even an empty one.
  let isAbsent: Bool
  let byteCount: Int
  /// Whether libcurl asks for it piece by piece.
  let isStreamed: Bool
  /// Whether chunks come from a source while the call runs.
  let hasSource: Bool
  private(set) var chunks: [[UInt8]]
  private var index = 0
  private var offset = 0
  /// Bytes that were handed to libcurl.
  private(set) var takenByteCount = 0
  /// Bytes that the source gave.
  private(set) var givenByteCount = 0
  var hasSourceEnded = false

  init(_ body: HTTPRequestBody) {
    switch body {
    case .none:
      (isAbsent, hasSource, chunks) = (true, false, [])
    case .bytes(let bytes):
      (isAbsent, hasSource, chunks) = (false, false, [bytes])
    case .segments(let segments):
      (isAbsent, hasSource, chunks) = (false, false, segments)
    case .source(let source):
      (isAbsent, hasSource, chunks) = (false, true, [])
      byteCount = source.byteCount
      isStreamed = byteCount > 0
      return
    }
    byteCount = chunks.reduce(0) { $0 + $1.count }
    isStreamed = byteCount > EasyHandle.joinedBodyBytesMax
  }

  /// Whether all of it was handed to libcurl, or goes with the head.
  var isTaken: Bool { !isStreamed || takenByteCount == byteCount }
  var waitingChunkCount: Int { chunks.count - index }
  /// Whether the source may still give as many.
  func hasRoom(for count: Int) -> Bool { count <= byteCount - givenByteCount }

  mutating func append(_ chunk: [UInt8]) {
    givenByteCount += chunk.count
    guard !chunk.isEmpty else { return }
    if index == chunks.count {
      chunks = []
      index = 0
    }
    chunks.append(chunk)
  }

  /// Copies as much as there is into `space`; 0 when nothing waits.
  mutating func copy(into space: UnsafeMutableRawBufferPointer) -> Int {
    var filled = 0
    while index < chunks.count, filled < space.count {
      let chunk = chunks[index]
      let count = min(chunk.count - offset, space.count - filled)
      unsafe chunk.withUnsafeBytes { bytes in
        unsafe UnsafeMutableRawBufferPointer(rebasing: space[filled..<filled + count])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
      }
      filled += count
      offset += count
      guard offset == chunk.count else { break }
      // Given back at once: a body of many segments shrinks while it is sent.
      chunks[index] = []
      index += 1
      offset = 0
    }
    takenByteCount += filled
    return filled
  }

  /// What is left is not needed any more.
  mutating func drop() {
    chunks = []
    index = 0
    offset = 0
  }
}
