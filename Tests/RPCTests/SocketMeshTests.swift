import EventLoop
import Faults
import Glibc
import MeshAddressing
import RPC
import Synchronization
import Testing

/// Something one task tells others once.
private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}

/// Replicas on real sockets: found, used, left, restarted.
@Suite(.timeLimit(.minutes(1))) struct SocketMeshTests {
  private func scratch() throws -> String {
    var template = Array("/tmp/assay-rpc-XXXXXX".utf8CString)
    let made = unsafe mkdtemp(&template)
    try #require(unsafe made != nil)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func remove(_ directory: String) {
    for name in DirectoryWatch.entries(of: directory, suffix: "") {
      _ = unsafe unlink("\(directory)/\(name)")
    }
    _ = unsafe rmdir(directory)
  }

  private func echo(_ channel: Channel, _ text: String) async throws -> String {
    let answer: RawMessage = try await channel.unary(
      TestMethods.echo, RawMessage(text), options: CallOptions())
    return answer.text
  }

  @Test func `a call crosses a Unix socket and a TCP port`() async throws {
    let directory = try scratch()
    defer { remove(directory) }
    let mesh = try TestMesh(
      callers: CallerTable(ownUID: getuid(), namesOfStrangers: ["tester"]))
    defer { mesh.stop() }
    let unix = try await mesh.server.listen(on: .unix(path: "\(directory)/a.sock"))
    let tcp = try await mesh.server.listen(on: .tcp(host: "127.0.0.1", port: 0))
    for address in [unix, tcp] {
      let channel = Channel(to: address, on: mesh.clientLoop)
      let answer = try await echo(channel, "over \(address)")
      #expect(answer == "over \(address)")
      await channel.shutDown()
    }
  }

  @Test func `replicas of a directory share the calls, come and go`() async throws {
    let directory = try scratch()
    defer { remove(directory) }
    let one = try TestMesh()
    let two = try TestMesh()
    defer {
      one.stop()
      two.stop()
    }
    let channel = Channel(to: .unixDirectory(path: directory), on: one.clientLoop)
    // No replica yet: the call waits for one.
    async let early = echo(channel, "early")
    _ = try await one.server.listen(on: .unixDirectory(path: directory), instance: "one")
    #expect(try await early == "early")
    _ = try await two.server.listen(on: .unixDirectory(path: directory), instance: "two")
    try await eventually("the second replica's first call", on: one.clientLoop) {
      _ = try await echo(channel, "x")
      return two.witness.calls > 0
    }
    await one.server.drain()
    let before = one.witness.calls
    for index in 0..<200 { #expect(try await echo(channel, "\(index)") == "\(index)") }
    #expect(one.witness.calls == before)
    await channel.shutDown()
  }

  @Test func `a drain under load fails no call`() async throws {
    let directory = try scratch()
    defer { remove(directory) }
    let meshes = try (0..<3).map { _ in try TestMesh() }
    defer { for mesh in meshes { mesh.stop() } }
    for (index, mesh) in meshes.enumerated() {
      _ = try await mesh.server.listen(
        on: .unixDirectory(path: directory), instance: "r\(index)")
    }
    let loop = meshes[2].clientLoop
    let channel = Channel(to: .unixDirectory(path: directory), on: loop)
    let isDone = Flag()
    let total = try await withThrowingTaskGroup(of: Int.self) { group in
      for worker in 0..<16 {
        group.addTask {
          var count = 0
          while !isDone.isSet {
            // `once` is not idempotent: nothing here is saved by a retry.
            let answer: RawMessage = try await channel.unary(
              TestMethods.once, RawMessage("\(worker).\(count)"), options: CallOptions())
            #expect(answer.text == "\(worker).\(count)")
            count += 1
          }
          return count
        }
      }
      try await loop.sleep(for: .milliseconds(100))
      await meshes[0].server.drain()
      await meshes[1].server.drain()
      try await loop.sleep(for: .milliseconds(100))
      isDone.set()
      return try await group.reduce(0, +)
    }
    #expect(meshes.reduce(0) { $0 + $1.witness.calls } == total)
    await channel.shutDown()
  }

  @Test func `an idempotent call survives the loss of its server`() async throws {
    let directory = try scratch()
    defer { remove(directory) }
    let path = "\(directory)/a.sock"
    let first = try TestMesh()
    _ = try await first.server.listen(on: .unix(path: path))
    let loop = try EventLoop(name: "caller")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let channel = Channel(to: .unix(path: path), on: loop)
    #expect(try await echo(channel, "1") == "1")
    first.stop()
    async let later = echo(channel, "2")
    let second = try TestMesh()
    defer { second.stop() }
    _ = try await second.server.listen(on: .unix(path: path))
    #expect(try await later == "2")
    await channel.shutDown()
  }

  @Test func `nobody listening is a clear UNAVAILABLE after the caller's patience`() async throws {
    let mesh = try TestMesh()
    defer { mesh.stop() }
    let channel = Channel(to: .unix(path: "/tmp/assay-no-such.sock"), on: mesh.clientLoop)
    var options = CallOptions()
    options.patience = .upTo(.milliseconds(50))
    let fault = await #expect(throws: Fault.self) {
      let _: RawMessage = try await channel.unary(
        TestMethods.echo, RawMessage("x"), options: options)
    }
    #expect(fault?.code == .unavailable)
    #expect(fault?.reason == "UNREACHABLE")
    #expect(fault?.message.contains("assay-no-such.sock") == true)
  }
}
