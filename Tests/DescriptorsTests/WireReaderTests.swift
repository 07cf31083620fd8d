import Descriptors
import TestSupport
import Testing

@Suite struct WireReaderTests {
  private func fields(_ bytes: [UInt8]) throws(SchemaError) -> [WireField] {
    var reader = WireReader(bytes)
    var fields: [WireField] = []
    while let field = try reader.next() { fields.append(field) }
    return fields
  }

  @Test func `fields of every wire type come out as they went in`() throws {
    let all: [WireField] = [
      WireField(number: 1, value: .varint(0)),
      WireField(number: 2, value: .varint(.max)),
      WireField(number: 3, value: .fixed64(0x0102_0304_0506_0708)),
      WireField(number: 4, value: .fixed32(0xFFFF_FFFF)),
      WireField(number: 5, value: .bytes([])),
      WireField(number: 16, value: .bytes([1, 2, 3])),
      WireField(number: WireReader.fieldNumberMax, value: .group([8, 1, 19, 20])),
    ]
    var writer = WireWriter()
    for field in all { writer.field(field) }
    #expect(try fields(writer.bytes) == all)
  }

  @Test(arguments: [
    [8], [8, 0x80], [9, 1, 2, 3], [13, 1], [10, 5, 1], [10, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
    [0, 0], [14, 0], [15, 0], [12], [11], [11, 20], [11, 8], [11, 10, 9, 1],
    [0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0], [8] + [UInt8](repeating: 0x80, count: 10) + [1],
  ])
  func `bytes that are no fields are refused`(bytes: [UInt8]) {
    #expect(throws: SchemaError.self) { try fields(bytes) }
  }

  @Test func `groups are read to a depth and no further`() throws {
    let deep = SchemaLimits.depthMax
    let open = [UInt8](repeating: 11, count: deep) + [UInt8](repeating: 12, count: deep)
    #expect(try fields(open).count == 1)
    #expect { try fields([11] + open + [12]) } throws: { ($0 as? SchemaError)?.code == .tooDeep }
    #expect(throws: SchemaError.self) { try fields([UInt8](repeating: 11, count: 1 << 20)) }
  }

  @Test func `random bytes never crash`() {
    var random = SeededRandom("WireReaderTests")
    var taken = 0
    for _ in 0..<20_000 {
      let bytes = random.bytes(countMax: 24, from: [8, 10, 11, 12, 0, 1, 2, 13, 0x80, 0xFF])
      if (try? fields(bytes)) != nil { taken += 1 }
    }
    #expect(taken > 200)
  }
}
