/// Cuts bytes into chunks whose sizes come from the first byte of the input.
struct Chunks {
  private let sizes: [Int]

  /// `choice` 0 is one chunk; otherwise a repeating pattern with very small chunks in it.
  init(choice: UInt8, count: Int) {
    guard choice != 0 else {
      sizes = [count]
      return
    }
    let pattern = [Int(choice & 7) + 1, Int(choice >> 3 & 31) * 16 + 1, 5, 1]
    var sizes: [Int] = []
    var left = count
    while left > 0 {
      let size = min(pattern[sizes.count % pattern.count], left)
      sizes.append(size)
      left -= size
    }
    self.sizes = sizes
  }

  /// Lends each chunk in order, until `body` says that it is enough.
  func forEach<E: Error>(of bytes: RawSpan, _ body: (RawSpan) throws(E) -> Bool) throws(E) {
    var offset = 0
    for size in sizes {
      guard try body(bytes.extracting(offset..<(offset + size))) else { return }
      offset += size
    }
  }
}

extension RawSpan {
  /// The first byte and the rest; nil when there is no byte.
  var firstByte: UInt8? {
    byteCount > 0 ? unsafe unsafeLoad(fromByteOffset: 0, as: UInt8.self) : nil
  }
}
