import Gzip
import TestSupport
import Testing

@Suite struct GzipTests {
  private func text(_ count: Int) -> [UInt8] {
    Array(
      String(repeating: "a message that repeats itself, ", count: count / 31 + 1).utf8.prefix(count)
    )
  }

  private func error(_ bytes: [UInt8], limit: Int = 1 << 20) -> GzipError? {
    do {
      _ = try Gzip.decompress(bytes, limit: limit)
      return nil
    } catch {
      return error
    }
  }

  /// Written by Python's gzip module, with a file name in the header.
  private let foreign: [UInt8] = [
    0x1f, 0x8b, 0x08, 0x08, 0x01, 0x00, 0x00, 0x00, 0x02, 0xff, 0x6e, 0x61, 0x6d, 0x65, 0x2e, 0x74,
    0x78, 0x74, 0x00, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa2, 0x00, 0x9f, 0xa1,
    0xca, 0x09, 0x13, 0x00, 0x00, 0x00,
  ]

  @Test(arguments: [0, 1, 200, 32 << 10, (32 << 10) + 1, 1_000_000], [GzipLevel.fast, .balanced])
  func `what was compressed comes back`(count: Int, level: GzipLevel) throws {
    let bytes = text(count)
    let packed = Gzip.compress(bytes, level: level)
    #expect(packed.prefix(2) == [0x1F, 0x8B])
    #expect(try Gzip.decompress(packed, limit: count) == bytes)
    if count >= 200 { #expect(packed.count < count / 2) }
  }

  @Test func `bytes that do not compress come back too`() throws {
    var random = SeededRandom("GzipTests")
    let bytes = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    #expect(try Gzip.decompress(Gzip.compress(bytes), limit: bytes.count) == bytes)
  }

  @Test func `a header with a file name is read`() throws {
    #expect(try Gzip.decompress(foreign, limit: 100) == [UInt8]("hello, hello, hello".utf8))
  }

  @Test func `a bomb stops at the limit`() throws {
    let bomb = Gzip.compress([UInt8](repeating: 0, count: 64 << 20), level: .balanced)
    #expect(bomb.count < 70_000)
    #expect(error(bomb, limit: 1 << 20) == .tooLarge(limit: 1 << 20))
    let packed = Gzip.compress(text(1000))
    #expect(error(packed, limit: 1000) == nil)
    #expect(error(packed, limit: 999) == .tooLarge(limit: 999))
    #expect(error(packed, limit: 0) == .tooLarge(limit: 0))
    #expect(error(Gzip.compress([]), limit: 0) == nil)
  }

  @Test func `every beginning is truncated`() {
    for whole in [foreign, Gzip.compress(text(500)), Gzip.compress([])] {
      for count in 0..<whole.count {
        #expect(error([UInt8](whole[..<count])) == .truncated)
      }
    }
  }

  @Test func `nothing may follow the end`() {
    let packed = Gzip.compress(text(500))
    #expect(error(packed + [0]) == .trailingBytes)
    #expect(error(packed + packed) == .trailingBytes)
  }

  @Test(
    arguments: [[0x1F], [0x78, 0x9C, 0x03], [0x1F, 0x8B, 0x07], [0x00], [0x7B, 0x7D]] as [[UInt8]])
  func `other bytes are corrupt`(bytes: [UInt8]) {
    let packed = bytes + [UInt8](repeating: 0x55, count: 64)
    #expect(error(packed) == .corrupt)
  }

  @Test func `a damaged checksum is corrupt`() {
    var packed = Gzip.compress(text(500))
    packed[packed.count - 5] ^= 1
    #expect(error(packed) == .corrupt)
  }

  @Test func `random and mutated bytes never trap or pass the limit`() {
    var random = SeededRandom("GzipTests")
    var coder = GzipCoder()
    let sample = Gzip.compress(text(3000))
    for round in 0..<5000 {
      let bytes = round % 2 == 0 ? random.mutation(of: sample) : random.bytes(countMax: 64)
      let result = try? coder.decompress(unsafe bytes.span.bytes, limit: 2000)
      #expect((result?.count ?? 0) <= 2000)
    }
  }

  @Test func `one coder serves many messages, after a refused one too`() throws {
    var coder = GzipCoder()
    var stream: [UInt8] = [1, 2, 3]
    for count in [200, 100_000, 0, 7] {
      let bytes = text(count)
      stream.removeSubrange(3...)
      coder.compress(unsafe bytes.span.bytes, appendingTo: &stream)
      #expect(stream.prefix(3) == [1, 2, 3])
      let packed = [UInt8](stream[3...])
      #expect(packed == Gzip.compress(bytes))
      var refused = false
      do { _ = try coder.decompress(unsafe packed.span.bytes, limit: count - 1) } catch {
        refused = true
      }
      #expect(refused)
      #expect(try coder.decompress(unsafe packed.span.bytes, limit: count) == bytes)
    }
  }

  @Test func `a message given up half-way leaves nothing for the next`() throws {
    var random = SeededRandom("GzipTests")
    var coder = GzipCoder()
    for _ in 0..<20 {
      let large = Gzip.compress((0..<200_000).map { _ in UInt8(truncatingIfNeeded: random.next()) })
      var isRefused = false
      do { _ = try coder.decompress(unsafe large.span.bytes, limit: 10) } catch { isRefused = true }
      #expect(isRefused)
      let small = Gzip.compress(text(100))
      #expect(try coder.decompress(unsafe small.span.bytes, limit: 100) == text(100))
    }
  }
}
