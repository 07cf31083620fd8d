import Glibc
import JSON
import TestSupport
import Testing

/// Who may call over a socket, and where a server may put one.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SocketRefusalTests {
  private static let nobody: UInt32 = 65534

  @Test(.enabled(if: geteuid() == 0, "only root can call as somebody else"))
  func `a caller of another account is denied, and the log says so`() async throws {
    try await ScratchFolder.with { folder in
      #expect(unsafe chmod(folder.path, 0o755) == 0)
      try await InteropPlace.withOurServer(at: "unix:\(folder.file("s"))", mode: "666") {
        server, address in
        let stranger = try await InteropPlace.pythonClient(
          "stranger_client", ["--server", address, "--uid", "\(Self.nobody)"],
          within: .seconds(20))
        #expect(stranger["stranger"]?["outcome"]?.stringValue == "status:PERMISSION_DENIED")
        #expect(server.output.errorLines.contains { $0.hasPrefix("callerRefused") })
        let own = try await InteropPlace.ourClient(
          "client", ["--case", "empty_unary"], to: address, within: .seconds(20))
        #expect(own.isOK("empty_unary"))
      }
    }
  }

  @Test func `a socket path of 108 bytes is refused with the limit`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file(String(repeating: "x", count: 107 - folder.path.utf8.count))
      #expect(path.utf8.count == 108)
      let error = try await refusal(path)
      #expect(error.contains("longer than the 107 bytes of a socket's path"))
      #expect(error.contains(path))
      try await InteropPlace.withOurServer(at: "unix:\(path.dropLast())") { _, address in
        #expect(address == "unix:\(path.dropLast())")
      }
    }
  }

  @Test func `a live socket is refused and goes on serving`() async throws {
    try await ScratchFolder.with { folder in
      try await InteropPlace.withOurServer(at: "unix:\(folder.file("s"))") { _, address in
        let error = try await refusal(folder.file("s"))
        #expect(error.contains("A live server answers at \(folder.file("s"))"), "\(error)")
        let results = try await InteropPlace.ourClient(
          "client", ["--case", "empty_unary"], to: address, within: .seconds(20))
        #expect(results.isOK("empty_unary"))
      }
    }
  }

  @Test func `a stale socket is taken over`() async throws {
    try await ScratchFolder.with { folder in
      let place = "unix:\(folder.file("s"))"
      try await InteropPlace.withOurServer(at: place) { server, _ in
        kill(server.pid, SIGKILL)
        let ending = try await server.ended()
        #expect(ending.signal == SIGKILL)
      }
      #expect(unsafe access(folder.file("s"), F_OK) == 0)
      try await InteropPlace.withOurServer(at: place) { _, address in
        let results = try await InteropPlace.ourClient(
          "client", ["--case", "empty_unary"], to: address, within: .seconds(20))
        #expect(results.isOK("empty_unary"))
      }
    }
  }

  @Test func `a path that holds something else is refused and left alone`() async throws {
    try await ScratchFolder.with { folder in
      let file = unsafe open(folder.file("s"), O_CREAT | O_WRONLY, 0o600)
      close(file)
      let error = try await refusal(folder.file("s"))
      #expect(error.contains(folder.file("s")), "\(error)")
      var status = stat()
      #expect(unsafe lstat(folder.file("s"), &status) == 0)
      #expect(status.st_mode & S_IFMT == S_IFREG)
    }
  }

  /// What our server says when it cannot listen at `path`.
  private func refusal(_ path: String) async throws -> String {
    let output = try await ChildTool.run(
      try BuildPlace.executable("InteropPeer"), ["server", "--address", "unix:\(path)"])
    #expect(output.status == 1)
    return try #require(output.lines.first { $0.contains("\"error\"") })
  }
}
