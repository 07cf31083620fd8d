import Blobs
import EventLoop
import Faults
import Glibc
import Machine
import TestSupport
import Testing

/// Documents in a folder: what is written comes back, and nothing else ever does.
@Suite(.timeLimit(.minutes(1))) struct LocalBlobsTests {
  private struct Store {
    let folder: String
    let blobs: LocalBlobs

    static func with(_ body: (Store) async throws -> Void) async throws {
      try await ScratchFolder.with { scratch in
        let blobs = try await LocalBlobs.open(scratch.path, for: .writing)
        try await body(Store(folder: scratch.path, blobs: blobs))
        await blobs.close()
      }
    }

    func path(_ hash: BlobHash) -> String {
      "\(folder)/\(hash.text.prefix(2))/\(hash.text.dropFirst(2))"
    }

    func write(_ bytes: [UInt8], piece: Int = 1_000) async throws -> StoredBlob {
      let writer = try await blobs.begin()
      var rest = bytes[...]
      while !rest.isEmpty {
        try await writer.append(Array(rest.prefix(piece)))
        rest = rest.dropFirst(piece)
      }
      return try await writer.finish(as: nil)
    }

    /// What comes of a blob, and how its reading ends.
    func read(
      _ hash: BlobHash, byteCount: Int, piece: Int = 999
    ) async -> (bytes: [UInt8], error: BlobError.Code?) {
      var bytes: [UInt8] = []
      do throws(BlobError) {
        let reader = try await blobs.open(hash, byteCount: byteCount)
        while let more = try await reader.next(piece, { $0 }) { bytes += more }
        return (bytes, nil)
      } catch {
        return (bytes, error.code)
      }
    }

    /// Puts other bytes under a blob's name.
    func replace(_ hash: BlobHash, with bytes: [UInt8]) throws {
      let file = try OpenFile("\(folder)/other", for: .replace)
      try file.write(bytes)
      try Files.rename("\(folder)/other", to: path(hash))
    }

    var incoming: [String] { Files.entries(of: "\(folder)/incoming") }

    var files: [String] {
      Files.entries(of: folder).filter { $0 != "incoming" }
        .flatMap { shelf in Files.entries(of: "\(folder)/\(shelf)").map { shelf + $0 } }
    }
  }

  private static let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

  private func code(_ body: () async throws -> Void) async throws -> BlobError.Code? {
    do {
      try await body()
    } catch let error as BlobError {
      return error.code
    }
    return nil
  }

  @Test(arguments: [0, 1, 3, 9_999, 10_000])
  func `what is written comes back under its hash`(count: Int) async throws {
    try await Store.with { store in
      let bytes = Array(Self.bytes.prefix(count))
      let blob = try await store.write(bytes)
      #expect(blob == StoredBlob(hash: BlobHash(of: bytes), byteCount: count))
      #expect(store.files == [blob.hash.text] && store.incoming.isEmpty)
      #expect(Files.facts(of: store.path(blob.hash))?.mode == 0o440)
      for piece in [1_000_000, 777, count, count - 1] where piece > 0 {
        let read = await store.read(blob.hash, byteCount: count, piece: piece)
        #expect(read.bytes == bytes && read.error == nil)
      }
      let reading = try await LocalBlobs.open(store.folder, for: .reading)
      let reader = try await reading.open(blob.hash, byteCount: count)
      #expect(try await reader.next(20_000) { $0.count } == (count == 0 ? nil : count))
      #expect(try await reader.next(20_000) { $0.count } == nil)
      await reading.close()
    }
  }

  @Test func `a name is 64 lower-case digits and nothing else`() {
    let name = String(repeating: "0f", count: 32)
    #expect(BlobHash(name)?.text == name)
    #expect(BlobHash(bytes: [UInt8](repeating: 15, count: 32))?.text == name)
    let others = [
      "", String(name.dropLast()), name + "0", name.uppercased(), "../" + name.dropFirst(3),
      " " + name.dropFirst(), String(repeating: "é", count: 32),
    ]
    for other in others { #expect(BlobHash(other) == nil, "\(other)") }
    #expect(BlobHash(bytes: [1, 2, 3]) == nil)
  }

  // MARK: - Writing

  @Test func `the same bytes are kept once, also when many write them at once`() async throws {
    try await Store.with { store in
      let blobs = try await withThrowingTaskGroup(of: StoredBlob.self) { group in
        for index in 0..<16 {
          group.addTask { try await store.write(Self.bytes, piece: 500 + index) }
        }
        return try await group.reduce(into: Set<StoredBlob>()) { $0.insert($1) }
      }
      let blob = try #require(blobs.first)
      #expect(blobs.count == 1 && store.files == [blob.hash.text])
      try await settled(store)
      let before = try inode(store.path(blob.hash))
      _ = try await store.write(Self.bytes)
      #expect(try inode(store.path(blob.hash)) == before)
      #expect(await store.read(blob.hash, byteCount: 10_000).bytes == Self.bytes)
    }
  }

  private func inode(_ path: String) throws -> UInt64 {
    var facts = stat()
    try #require(unsafe stat(path, &facts) == 0)
    return UInt64(facts.st_ino)
  }

  /// Nothing is left of what was given up: that is done some time.
  private func settled(_ store: Store) async throws {
    let loop = try EventLoop(name: "blobs-test")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    try await eventually("incoming is empty", on: loop) { store.incoming.isEmpty }
  }

  @Test func `what is too large, called otherwise or given up leaves nothing`() async throws {
    try await Store.with { store in
      do {
        let writer = try await store.blobs.begin(bytesMax: 5)
        try await writer.append([1, 2, 3])
        #expect(try await code { try await writer.append([4, 5, 6]) } == .tooLarge)
        #expect(try await code { try await writer.append([4]) } == .closed)
        #expect(try await code { _ = try await writer.finish(as: nil) } == .closed)
        let exact = try await store.blobs.begin(bytesMax: 3)
        try await exact.append([1, 2, 3])
        #expect(try await exact.finish(as: BlobHash(of: [1, 2, 3])).byteCount == 3)
        #expect(try await code { _ = try await exact.finish(as: nil) } == .closed)
        let other = try await store.blobs.begin(bytesMax: .max)
        try await other.append([7])
        #expect(
          try await code { _ = try await other.finish(as: BlobHash(of: [8])) } == .otherHash)
        let left = try await store.blobs.begin()
        try await left.append([9])
        #expect(store.incoming.count == 3)
      }
      try await settled(store)
      #expect(store.files == [BlobHash(of: [1, 2, 3]).text])
    }
  }

  @Test func `a damaged blob is healed by its like`() async throws {
    try await Store.with { store in
      let blob = try await store.write(Self.bytes)
      var bytes = Self.bytes
      bytes[5_000] ^= 1
      try store.replace(blob.hash, with: bytes)
      #expect(await store.read(blob.hash, byteCount: 10_000).error == .damaged)
      _ = try await store.write(Self.bytes)
      #expect(await store.read(blob.hash, byteCount: 10_000).bytes == Self.bytes)
      #expect(store.incoming.isEmpty)
    }
  }

  // MARK: - Reading what is not as it should be

  @Test(arguments: [0, 9_999])
  func `the last bytes of a damaged blob never come`(place: Int) async throws {
    try await Store.with { store in
      let blob = try await store.write(Self.bytes)
      var bytes = Self.bytes
      bytes[place] ^= 0x80
      try store.replace(blob.hash, with: bytes)
      let pieces = await store.read(blob.hash, byteCount: 10_000, piece: 3_000)
      #expect(pieces.error == .damaged && pieces.bytes.count == 9_000)
      let whole = await store.read(blob.hash, byteCount: 10_000, piece: 10_000)
      #expect(whole.error == .damaged && whole.bytes.isEmpty)
    }
  }

  @Test func `another size is told before anything is read, and while it is`() async throws {
    try await Store.with { store in
      let blob = try await store.write(Self.bytes)
      for count in [9_999, 10_001, 0, -1, .max] {
        #expect(await store.read(blob.hash, byteCount: count).error == .otherSize)
      }
      let reader = try await store.blobs.open(blob.hash, byteCount: 10_000)
      #expect(try await reader.next(4_000) { $0.count } == 4_000)
      let path = store.path(blob.hash)
      try #require(unsafe chmod(path, 0o600) == 0 && truncate(path, 6_000) == 0)
      #expect(try await code { _ = try await reader.next(4_000) { $0 } } == .otherSize)
      #expect(try await code { _ = try await reader.next(4_000) { $0 } } == .closed)
    }
  }

  @Test func `a blob that goes while it is read is read to its end`() async throws {
    try await Store.with { store in
      let blob = try await store.write(Self.bytes)
      let reader = try await store.blobs.open(blob.hash, byteCount: 10_000)
      try Files.remove(store.path(blob.hash))
      #expect(try await reader.next(10_000) { $0 } == Self.bytes)
      #expect(await store.read(blob.hash, byteCount: 10_000).error == .missing)
    }
  }

  @Test func `no link is followed, no pipe waited for, no folder read`() async throws {
    try await Store.with { store in
      let blob = try await store.write(Self.bytes)
      let path = store.path(blob.hash)
      try Files.rename(path, to: "\(store.folder)/elsewhere")
      try #require(unsafe symlink("\(store.folder)/elsewhere", path) == 0)
      #expect(await store.read(blob.hash, byteCount: 10_000).error == .notAFile)
      try Files.remove(path)
      try #require(unsafe mkfifo(path, 0o600) == 0)
      #expect(await store.read(blob.hash, byteCount: 10_000).error == .notAFile)
      try Files.remove(path)
      try Files.makeDirectory(path)
      #expect(await store.read(blob.hash, byteCount: 10_000).error == .notAFile)
      try Files.remove(path)
      #expect(await store.read(blob.hash, byteCount: 10_000).error == .missing)
    }
  }

  @Test func `a store that is closed or was never there says so`() async throws {
    try await ScratchFolder.with { scratch in
      await #expect(throws: MachineError.self) {
        _ = try await LocalBlobs.open("\(scratch.path)/none", for: .reading)
      }
      let blobs = try await LocalBlobs.open("\(scratch.path)/made", for: .writing)
      let writer = try await blobs.begin()
      await blobs.close()
      #expect(try await code { try await writer.append([1]) } == .closed)
      #expect(
        try await code { _ = try await blobs.open(BlobHash(of: [1]), byteCount: 1) } == .closed)
    }
  }

  @Test func `every reason has a fault of its own kind`() {
    let expected: [(BlobError.Code, Fault.Code)] = [
      (.missing, .notFound), (.otherSize, .failedPrecondition), (.damaged, .dataLoss),
      (.notAFile, .dataLoss), (.otherHash, .invalidArgument), (.tooLarge, .outOfRange),
      (.refused, .unavailable), (.busy, .resourceExhausted), (.closed, .unavailable),
    ]
    for (code, fault) in expected {
      #expect(BlobError(code, "The blob x").fault.code == fault)
      #expect(BlobError(code, "The blob x").fault.reason.hasPrefix("MEDIA_"))
    }
  }
}
