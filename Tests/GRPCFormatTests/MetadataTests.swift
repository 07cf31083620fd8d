import GRPCFormat
import Testing

@Suite struct MetadataTests {
  private func receive(_ name: String, _ value: String) -> Metadata? {
    var metadata = Metadata()
    let bytes = Array(value.utf8)
    return metadata.addReceived(name, unsafe bytes.span.bytes) ? metadata : nil
  }

  @Test func `binary values go as base64 without padding and come back`() throws {
    for count in 0..<8 {
      let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 91 + 250) }
      var metadata = Metadata()
      let isAdded = metadata.add(binary: "key-bin", value)
      #expect(isAdded)
      let wire = Metadata.wireValue(of: metadata.entries[0])
      #expect(!wire.contains(UInt8(ascii: "=")))
      let back = try #require(receive("key-bin", String(decoding: wire, as: UTF8.self)))
      #expect(back.bytes("key-bin") == value)
    }
  }

  @Test func `padded and joined binary values are read`() throws {
    let metadata = try #require(receive("key-bin", "q6ur, AQI=,"))
    #expect(metadata.entries.map(\.value) == [[0xab, 0xab, 0xab], [1, 2], []])
  }

  @Test(arguments: ["A", "====", "A===", "q6u*", "q6==6", "q=", "q6ur="])
  func `broken base64 is refused`(_ text: String) {
    #expect(receive("key-bin", text) == nil)
  }

  @Test(arguments: ["", "Upper", "grpc-status", ":path", "te", "a b", "ü", "content-type"])
  func `a name that may not be sent is refused`(_ name: String) {
    var metadata = Metadata()
    let isAdded = metadata.add(name, "x")
    #expect(!isAdded)
    #expect(metadata.isEmpty)
  }

  @Test(arguments: ["line\nbreak", "tab\t", "ü", " lead", "trail ", "\u{7f}"])
  func `a value that some peer would cut is refused`(_ value: String) {
    var metadata = Metadata()
    let isAdded = metadata.add("key", value)
    #expect(!isAdded)
  }

  @Test func `a name may come more than once and keeps its order`() {
    var metadata = Metadata()
    metadata.add("a", "1")
    metadata.add("b", "2")
    metadata.add("a", "3")
    #expect(metadata.entries.map(\.name) == ["a", "b", "a"])
    #expect(metadata["a"] == "1")
    #expect(metadata["c"] == nil)
  }
}
