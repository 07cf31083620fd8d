import LedgerFile
import Machine
import TestSupport
import Testing

/// What a power cut does to a ledger's folder.
enum PowerCut {
  /// The journals that nobody syncs: cut anywhere, or with a page that never came.
  static func tear(_ folder: String, _ random: inout SeededRandom) throws {
    for number in JournalFile.numbers(in: folder) {
      let path = JournalFile.path(folder, number)
      var bytes = try Files.read(path)
      // Behind what counts a mapped file is empty.
      let end = try MappedFile.read(path).map { $0.bytes.count + 16 } ?? bytes.count
      bytes = Array(bytes.prefix(Int.random(in: 0...end, using: &random)))
      if Bool.random(using: &random), bytes.count > 64 {
        let place = Int.random(in: 0..<bytes.count - 32, using: &random)
        for index in place..<place + 32 { bytes[index] = 0 }
      }
      let file = try OpenFile(path, for: .replace)
      try file.write(bytes)
    }
  }

  /// A disk with a fault of its own, compiled: see Tests/Support.
  static func disk(_ name: String, in scratch: ScratchFolder) async throws -> String {
    let library = scratch.file("\(name).so")
    let source = "\(BuildPlace.top)/Tests/Support/\(name)/\(name).c"
    let made = try await ChildTool.run(
      "/usr/bin/cc", ["-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"])
    try #require(made.isSuccess, "\(made.lastWords)")
    return library
  }
}
