import Machine
import TestSupport
import Testing

@Suite struct MappedFileTests {
  @Test func `bytes count together, once they are committed`() async throws {
    try await ScratchFolder.with { scratch in
      let path = scratch.file("mapped")
      var file = try MappedFile(path)
      #expect(try MappedFile.read(path)?.bytes == [])
      try file.append([1, 2, 3])
      try file.append([4])
      #expect(try MappedFile.read(path)?.bytes == [])
      file.commit()
      #expect(try MappedFile.read(path)?.bytes == [1, 2, 3, 4])
      try file.append([5])
      let read = try MappedFile.read(path)
      #expect(read?.bytes == [1, 2, 3, 4] && read?.isWhole == true)
      let count = file.byteCount
      #expect(count == 4)
    }
  }

  @Test func `a file grows beyond what it began with, and keeps what it had`() async throws {
    try await ScratchFolder.with { scratch in
      let path = scratch.file("mapped")
      var file = try MappedFile(path)
      var all: [UInt8] = []
      for (place, count) in [100, (1 << 20) - 116, 1, 3 << 20, 7].enumerated() {
        let bytes = [UInt8](repeating: UInt8(place + 1), count: count)
        try file.append(bytes)
        file.commit()
        all += bytes
      }
      #expect(try MappedFile.read(path)?.bytes == all)
    }
  }

  @Test func `an emptied or shortened file does not have all that counts`() async throws {
    try await ScratchFolder.with { scratch in
      let path = scratch.file("mapped")
      do {
        var file = try MappedFile(path)
        try file.append([1, 2, 3, 4])
        file.commit()
      }
      let bytes = try Files.read(path)
      try OpenFile(path, for: .replace).write(Array(bytes.prefix(18)))
      let read = try MappedFile.read(path)
      #expect(read?.bytes == [1, 2] && read?.isWhole == false)
      try OpenFile(path, for: .replace).write([UInt8](repeating: 0, count: 64))
      #expect(try MappedFile.read(path) == nil)
      try OpenFile(path, for: .replace).write([UInt8]())
      #expect(try MappedFile.read(path) == nil)
      // A mark that promises more than any file has.
      var wild = Array(bytes.prefix(20))
      for place in 8..<16 { wild[place] = 255 }
      try OpenFile(path, for: .replace).write(wild)
      let few = try MappedFile.read(path)
      #expect(few?.bytes == [1, 2, 3, 4] && few?.isWhole == false)
    }
  }

  @Test func `a folder that is missing is an error with its number`() async throws {
    try await ScratchFolder.with { scratch in
      let path = scratch.file("no/such/file")
      do {
        _ = try MappedFile(path)
        Issue.record("there is no folder")
      } catch let error as MachineError {
        #expect(error.isAbsence && error.subject == path)
      }
    }
  }
}
