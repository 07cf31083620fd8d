package import CProtobufC
import Glibc

/// The memory of one packing or unpacking: allocated by moving a cursor, freed as a whole.
///
/// Its first chunk is a block of the calling thread that is used again by the next arena, so a
/// message of ordinary size allocates nothing. An arena made while another lives on the same
/// thread takes its chunks from the heap. Never crosses an `await`: it is not Sendable and
/// generated code holds it within one synchronous function.
@safe package struct WireArena: ~Copyable {
  private let state: UnsafeMutablePointer<WireArenaState>

  /// An arena for packing, without a bound: what is packed is our own.
  package init() {
    self.init(budget: .max)
  }

  /// An arena for unpacking a message of `byteCount` bytes.
  package init(unpacking byteCount: Int, _ messageName: String) throws(WireError) {
    guard byteCount <= WireLimits.messageBytesMax else {
      throw WireError(.tooLarge, messageName: messageName)
    }
    self.init(budget: WireLimits.arenaBytesMax(for: byteCount))
  }

  private init(budget: Int) {
    let scratch = unsafe assay_thread_scratch()
    let own = unsafe scratch.assumingMemoryBound(to: WireArenaState.self)
    let block: UnsafeMutableRawPointer
    // The scratch block is zero at first, which reads as a state that is not busy.
    if unsafe own.pointee.isBusy == 0 {
      unsafe block = scratch
    } else {
      unsafe block = WireArenaState.heapBlock(Int(ASSAY_THREAD_SCRATCH_BYTES))
    }
    unsafe state = WireArenaState.start(in: block, isHeap: block != scratch, budget: budget)
  }

  deinit {
    unsafe WireArenaState.finish(state)
  }

  /// What protobuf-c allocates with; valid as long as the arena.
  @unsafe package var allocator: UnsafeMutablePointer<ProtobufCAllocator> {
    unsafe UnsafeMutableRawPointer(state).assumingMemoryBound(to: ProtobufCAllocator.self)
  }

  /// Why protobuf-c gave no message.
  package func failure(_ messageName: String) -> WireError {
    WireError(
      unsafe state.pointee.isExhausted != 0 ? .arenaExhausted : .malformed,
      messageName: messageName)
  }

  /// Counts Swift's own memory for `count` elements against the bound before it is taken.
  package func charge(_ count: Int, stride: Int, _ messageName: StaticString) throws(WireError) {
    let (bytes, overflows) = count.multipliedReportingOverflow(by: stride)
    guard !overflows, unsafe state.pointee.budget >= bytes else {
      throw WireError(.arenaExhausted, messageName: messageName.description)
    }
    unsafe state.pointee.budget -= bytes
  }

  /// `byteCount` bytes, aligned for any protobuf-c struct; only for packing.
  @unsafe package func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    guard let block = unsafe WireArenaState.allocate(state, byteCount) else {
      // Only the system can refuse here: packing has no bound of its own.
      abort()
    }
    return unsafe block
  }

  /// Packs the struct at `message`, which begins with a `ProtobufCMessage`, behind `bytes`.
  @unsafe package func pack(_ message: UnsafeRawPointer, behind bytes: inout [UInt8]) {
    let base = unsafe message.assumingMemoryBound(to: ProtobufCMessage.self)
    let count = unsafe protobuf_c_message_get_packed_size(base)
    // Appending nothing would write to the storage that all empty arrays of the process share.
    if count == 0 { return }
    bytes.append(addingCapacity: count) { room in
      unsafe room.withUnsafeMutableBufferPointer { buffer, filled in
        guard let first = buffer.baseAddress else { return }
        filled += unsafe protobuf_c_message_pack(base, first + filled)
      }
    }
  }
}

/// The head of an arena's first chunk; its first member is what protobuf-c is given.
@unsafe struct WireArenaState {
  var allocator: ProtobufCAllocator
  var cursor: UnsafeMutableRawPointer
  var end: UnsafeMutableRawPointer
  /// Bytes that may still be handed out.
  var budget: Int
  /// Chunks from the heap, each beginning with a pointer to the one before.
  var chunks: UnsafeMutableRawPointer?
  var nextChunkBytes: Int
  var isExhausted: Int32
  var isBusy: Int32
  var isHeap: Bool
}

private enum Chunk {
  static let bytesMin = 32 << 10
  static let bytesMax = 256 << 10
  static let headerBytes = 16
  /// Strictest alignment of any protobuf-c struct.
  static let alignment = 8
}

extension WireArenaState {
  static func heapBlock(_ byteCount: Int) -> UnsafeMutableRawPointer {
    guard let block = unsafe malloc(byteCount) else { abort() }
    return unsafe block
  }

  static func start(
    in block: UnsafeMutableRawPointer, isHeap: Bool, budget: Int
  ) -> UnsafeMutablePointer<WireArenaState> {
    let state = unsafe block.bindMemory(to: WireArenaState.self, capacity: 1)
    unsafe state.initialize(
      to: WireArenaState(
        allocator: ProtobufCAllocator(
          alloc: { data, byteCount in
            guard let data = unsafe data else { return nil }
            return unsafe WireArenaState.allocate(
              data.assumingMemoryBound(to: WireArenaState.self), byteCount)
          },
          // One arena is freed as a whole.
          free: { _, _ in },
          allocator_data: block),
        cursor: block + (MemoryLayout<WireArenaState>.stride + 15) & ~15,
        end: block + Int(ASSAY_THREAD_SCRATCH_BYTES), budget: budget, chunks: nil,
        nextChunkBytes: Chunk.bytesMin, isExhausted: 0, isBusy: 1, isHeap: isHeap))
    return unsafe state
  }

  static func finish(_ state: UnsafeMutablePointer<WireArenaState>) {
    var chunk = unsafe state.pointee.chunks
    while let current = unsafe chunk {
      unsafe chunk = current.load(as: UnsafeMutableRawPointer?.self)
      unsafe free(current)
    }
    if unsafe state.pointee.isHeap {
      unsafe free(state)
    } else {
      unsafe state.pointee.isBusy = 0
    }
  }

  @inline(__always)
  static func allocate(
    _ state: UnsafeMutablePointer<WireArenaState>, _ byteCount: Int
  ) -> UnsafeMutableRawPointer? {
    // Also refuses a size that is negative as an Int, which rounding up could overflow.
    guard byteCount >= 0, unsafe byteCount <= state.pointee.budget else {
      unsafe state.pointee.isExhausted = 1
      return nil
    }
    let rounded = (byteCount &+ Chunk.alignment &- 1) & ~(Chunk.alignment &- 1)
    unsafe state.pointee.budget &-= min(rounded, state.pointee.budget)
    let start = unsafe state.pointee.cursor
    if unsafe state.pointee.end - start >= rounded {
      unsafe state.pointee.cursor = start + rounded
      return unsafe start
    }
    return unsafe allocateFromChunk(state, rounded)
  }

  /// Something large gets a chunk of its own; something small opens the next one.
  @inline(never)
  private static func allocateFromChunk(
    _ state: UnsafeMutablePointer<WireArenaState>, _ byteCount: Int
  ) -> UnsafeMutableRawPointer? {
    let opens = unsafe byteCount <= state.pointee.nextChunkBytes / 4
    let chunkBytes = unsafe opens ? state.pointee.nextChunkBytes : byteCount
    guard let chunk = unsafe malloc(chunkBytes + Chunk.headerBytes) else {
      unsafe state.pointee.isExhausted = 1
      return nil
    }
    unsafe chunk.storeBytes(of: state.pointee.chunks, as: UnsafeMutableRawPointer?.self)
    unsafe state.pointee.chunks = chunk
    if opens {
      unsafe state.pointee.cursor = chunk + Chunk.headerBytes + byteCount
      unsafe state.pointee.end = chunk + Chunk.headerBytes + chunkBytes
      unsafe state.pointee.nextChunkBytes = min(chunkBytes * 2, Chunk.bytesMax)
    }
    return unsafe chunk + Chunk.headerBytes
  }
}
