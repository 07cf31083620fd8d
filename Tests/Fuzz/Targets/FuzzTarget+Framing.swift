import GRPCFormat

extension FuzzTarget {
  /// However the bytes are cut, the same messages come out and the same problem ends them.
  func fuzzFraming(_ input: RawSpan) throws(FuzzFinding) {
    guard let choice = input.firstByte else { return }
    let bytes = input.extracting(1..<input.byteCount)
    let whole = try deframe(bytes, Chunks(choice: 0, count: bytes.byteCount))
    let cut = try deframe(bytes, Chunks(choice: choice, count: bytes.byteCount))
    try require(whole == cut, "cut by \(choice) it reads \(cut), whole \(whole)")
    let plain = readPlainly([UInt8](copying: bytes))
    try require(whole.messages == plain, "it reads \(whole.messages), there is \(plain)")
  }

  private static let messageBytesMax = 4096

  private struct Deframed: Equatable {
    var messages: [[UInt8]] = []
    var problem: MessageDeframer.Problem?
  }

  private func deframe(_ bytes: RawSpan, _ chunks: Chunks) throws(FuzzFinding) -> Deframed {
    var deframer = MessageDeframer(messageBytesMax: FuzzTarget.messageBytesMax)
    var result = Deframed()
    var heldMax = 0
    do throws(MessageDeframer.Problem) {
      try chunks.forEach(of: bytes) { (chunk: RawSpan) throws(MessageDeframer.Problem) -> Bool in
        try deframer.receive(chunk) { message, compressed in
          result.messages.append([compressed ? 1 : 0] + [UInt8](copying: message))
        }
        heldMax = max(heldMax, deframer.heldBytes)
        return true
      }
    } catch {
      result.problem = error
    }
    try require(
      heldMax <= FuzzTarget.messageBytesMax + MessageDeframer.prefixBytes, "\(heldMax) bytes held")
    return result
  }

  /// The same, written so that it can be seen to be right.
  private func readPlainly(_ bytes: [UInt8]) -> [[UInt8]] {
    var messages: [[UInt8]] = []
    var rest = bytes[...]
    while rest.count >= 5 {
      let prefix = Array(rest.prefix(5))
      let length = prefix[1...].reduce(0) { $0 << 8 | Int($1) }
      guard prefix[0] <= 1, length <= FuzzTarget.messageBytesMax, rest.count >= 5 + length else {
        break
      }
      messages.append([prefix[0]] + rest.dropFirst(5).prefix(length))
      rest = rest.dropFirst(5 + length)
    }
    return messages
  }
}
