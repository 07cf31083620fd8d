/// A first-in first-out queue whose memory is used again: no allocation in the steady state.
@safe struct Ring<Element>: ~Copyable {
  private var storage: UnsafeMutablePointer<Element>
  private var mask: Int
  private var head = 0
  private(set) var count = 0

  private static var smallest: Int { 64 }
  /// A larger ring is given back when it runs empty, so that one burst is not kept for ever.
  private static var keptMax: Int { 4096 }

  init() {
    unsafe storage = .allocate(capacity: Self.smallest)
    mask = Self.smallest - 1
  }

  deinit {
    for offset in 0..<count {
      unsafe (storage + ((head + offset) & mask)).deinitialize(count: 1)
    }
    unsafe storage.deallocate()
  }

  @inline(__always)
  var isEmpty: Bool { count == 0 }

  @inline(__always)
  mutating func append(_ element: consuming Element) {
    if count > mask { grow() }
    unsafe (storage + ((head + count) & mask)).initialize(to: element)
    count += 1
  }

  @inline(__always)
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = unsafe (storage + head).move()
    head = (head + 1) & mask
    count -= 1
    if count == 0 && mask >= Self.keptMax { shrink() }
    return element
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: 2 * (mask + 1))
    let untilEnd = mask + 1 - head
    unsafe larger.moveInitialize(from: storage + head, count: untilEnd)
    unsafe (larger + untilEnd).moveInitialize(from: storage, count: count - untilEnd)
    unsafe storage.deallocate()
    unsafe storage = larger
    mask = 2 * mask + 1
    head = 0
  }

  @inline(never)
  private mutating func shrink() {
    unsafe storage.deallocate()
    unsafe storage = .allocate(capacity: Self.smallest)
    mask = Self.smallest - 1
    head = 0
  }
}
