import GRPCFormat

extension FuzzTarget {
  /// Reads the input as every text that gRPC puts into headers; what is read is written and read
  /// again, and must come out the same.
  func fuzzMetadata(_ input: RawSpan) throws(FuzzFinding) {
    let bytes = [UInt8](copying: input)
    try fuzzTimeout(input)
    try fuzzPercentEncoding(input)
    if let decoded = Base64.decode(bytes) {
      let again = Base64.decode(Base64.encode(decoded))
      try require(again == decoded, "base64 of \(decoded) reads as \(String(describing: again))")
    }
    let back = Base64.decode(Base64.encode(bytes))
    try require(back == bytes, "base64 of \(bytes) reads as \(String(describing: back))")
    try fuzzEntries(bytes)
  }

  private func fuzzTimeout(_ input: RawSpan) throws(FuzzFinding) {
    guard let nanoseconds = GRPCTimeout.nanoseconds(of: input) else { return }
    let text = Array(GRPCTimeout.text(nanoseconds: nanoseconds).utf8)
    let again = GRPCTimeout.nanoseconds(of: unsafe text.span.bytes)
    try require(
      again.map { $0 <= nanoseconds } == true,
      "\(nanoseconds) ns is sent as \(String(decoding: text, as: UTF8.self))")
  }

  private func fuzzPercentEncoding(_ input: RawSpan) throws(FuzzFinding) {
    let message = PercentEncoding.decode(input)
    let encoded = PercentEncoding.encode(message)
    let again = PercentEncoding.decode(unsafe encoded.span.bytes)
    try require(again == message, "\(message.debugDescription) reads as \(again.debugDescription)")
    let printable = encoded.allSatisfy { (0x20...0x7e).contains($0) }
    try require(printable, "\(message.debugDescription) is sent as \(encoded)")
  }

  /// Lines of `name:value` as a peer might send them.
  private func fuzzEntries(_ bytes: [UInt8]) throws(FuzzFinding) {
    var metadata = Metadata()
    for line in bytes.split(separator: 0x0a) {
      guard let colon = line.firstIndex(of: 0x3a) else { continue }
      let name = String(decoding: line[..<colon], as: UTF8.self)
      let value = Array(line[(colon + 1)...])
      let before = metadata.entries.count
      let taken = metadata.addReceived(name, unsafe value.span.bytes)
      try require(
        !taken || metadata.entries.count > before || value.isEmpty, "\(name) was taken and lost")
      _ = Metadata.isSendable(name: name)
    }
    for entry in metadata.entries where entry.name.hasSuffix("-bin") {
      let wire = Metadata.wireValue(of: entry)
      var again = Metadata()
      let read = again.addReceived(entry.name, unsafe wire.span.bytes)
      try require(
        read && again.entries == [entry], "\(entry) reads as \(again.entries) from the wire")
    }
  }
}
