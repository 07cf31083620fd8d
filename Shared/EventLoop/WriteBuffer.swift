/// Bytes waiting for the kernel, in one piece of memory that keeps its place while it is not
/// appended to, because the kernel reads from it later.
@safe struct WriteBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private(set) var count = 0

  /// A larger buffer is given back once it is empty, so that one burst is not kept for ever.
  private static var keptMax: Int { 256 << 10 }

  deinit { unsafe base?.deallocate() }

  var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    if count + bytes.count > capacity { grow(to: count + bytes.count) }
    unsafe (base.unsafelyUnwrapped + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  mutating func removeAll() {
    count = 0
    guard capacity > Self.keptMax else { return }
    unsafe base?.deallocate()
    unsafe base = nil
    capacity = 0
  }

  private mutating func grow(to needed: Int) {
    let larger = max(needed, 2 * capacity, 4096)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    if let base = unsafe base {
      unsafe memory.copyMemory(from: base, byteCount: count)
      unsafe base.deallocate()
    }
    unsafe base = memory
    capacity = larger
  }
}
