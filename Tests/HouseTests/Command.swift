import Glibc

/// A shell command run from the repository's top: what it printed and how it ended.
struct Command: Sendable {
  let output: String
  let status: Int32

  /// Output beyond this is cut: no tool here says more than this.
  private static let outputBytesMax = 4 << 20

  init(_ command: String) {
    guard let pipe = unsafe popen("cd '\(SourceTree.top)' && { \(command) ; } 2>&1", "r") else {
      (output, status) = ("cannot start a shell", -1)
      return
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = unsafe fread(&chunk, 1, chunk.count, pipe)
      guard count > 0 else { break }
      if bytes.count < Self.outputBytesMax { bytes.append(contentsOf: chunk[0..<count]) }
    }
    output = String(decoding: bytes, as: UTF8.self)
    let ended = unsafe pclose(pipe)
    status = ended & 0x7f == 0 ? (ended >> 8) & 0xff : -1
  }
}
