import Glibc
import Machine
import Testing

@Suite struct DirectFileTests {
  private func scratch(_ body: (String) throws -> Void) throws {
    let path = "/tmp/assay-direct-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try Files.makeDirectory(path)
    defer { try? Files.removeTree(path) }
    try body("\(path)/file")
  }

  private let block = DirectFile.blockBytes

  @Test func `what is finished stands where it was put, with zeros up to its block's end`() throws {
    try scratch { path in
      var file = try DirectFile(path, byteCount: 8 * block, bytesMax: 3 * block)
      try file.begin([[UInt8](repeating: 7, count: 3 * block)], at: block)
      try file.finish()
      try file.begin([[1, 2], [], [UInt8](repeating: 3, count: block)], at: block)
      try file.finish()
      try file.finish()
      var wanted = [UInt8](repeating: 0, count: 8 * block)
      wanted.replaceSubrange(block..<block + 2, with: [1, 2])
      for at in block + 2..<2 * block + 2 { wanted[at] = 3 }
      for at in 3 * block..<4 * block { wanted[at] = 7 }
      #expect(try Files.read(path) == wanted)
    }
  }

  @Test func `a file that was asked to tell does so when a write is over, once`() throws {
    try scratch { path in
      var file = try DirectFile(path, byteCount: 4 * block, bytesMax: block, tellsEnd: true)
      let told = file.endDescriptor
      let descriptor = try #require(told)
      func isTold(within milliseconds: Int32) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&wanted, 1, milliseconds) == 1
      }
      for turn in 0..<3 {
        #expect(!isTold(within: 0))
        try file.begin([[UInt8(turn)]], at: turn * block)
        #expect(isTold(within: 10_000))
        try file.finish()
      }
      #expect(!isTold(within: 0))
      #expect(try Files.read(path)[2 * block] == 2)
    }
  }

  @Test func `a file of another length is made anew, one of this length is kept`() throws {
    try scratch { path in
      try Files.replace(path, with: "short")
      do {
        var file = try DirectFile(path, byteCount: 2 * block, bytesMax: block)
        try file.begin([[9]], at: block)
        try file.finish()
      }
      _ = try DirectFile(path, byteCount: 2 * block, bytesMax: block)
      let bytes = try Files.read(path)
      #expect(bytes.count == 2 * block && bytes[0] == 0 && bytes[block] == 9)
    }
  }

  @Test func `a write that does not fit is refused, and the next one is taken`() throws {
    try scratch { path in
      var file = try DirectFile(path, byteCount: 4 * block, bytesMax: 2 * block)
      let long = [UInt8](repeating: 1, count: 2 * block)
      for (bytes, offset) in [
        (long + [1], 0), (long, 3 * block), ([], 0), ([1], 5), ([1], -block), ([1], 4 * block),
      ] {
        do {
          try file.begin([bytes], at: offset)
          Issue.record("\(bytes.count) bytes at \(offset) were taken")
        } catch {
          #expect((error as? MachineError)?.operation == "write")
        }
      }
      try file.begin([long], at: 2 * block)
      try file.finish()
    }
  }

  @Test func `a folder that is not there is told`() {
    #expect(throws: MachineError.self) {
      _ = try DirectFile("/nowhere/file", byteCount: 4_096, bytesMax: 4_096)
    }
  }
}
