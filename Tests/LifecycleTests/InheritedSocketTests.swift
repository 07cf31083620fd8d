import Faults
import Glibc
import Lifecycle
import TestSupport
import Testing

@Suite struct InheritedSocketTests {
  private func parse(_ environment: [String: String]) -> Result<
    [InheritedSocket], InheritedSocketError
  > {
    Result { () throws(InheritedSocketError) in
      try InheritedSocket.parse(environment: environment, pid: 77)
    }
  }

  private func sockets(_ names: String...) -> [InheritedSocket] {
    names.enumerated().map { InheritedSocket(descriptor: Int32($0 + 3), name: $1) }
  }

  @Test func `descriptors begin at 3 and have names`() {
    #expect(
      parse(["LISTEN_FDS": "2", "LISTEN_PID": "77", "LISTEN_FDNAMES": "grpc:http"])
        == .success(sockets("grpc", "http")))
    #expect(parse(["LISTEN_FDS": "1", "LISTEN_PID": "77"]) == .success(sockets("unknown")))
    #expect(
      parse(["LISTEN_FDS": "2", "LISTEN_PID": "77", "LISTEN_FDNAMES": ":x"])
        == .success(sockets("", "x")))
    #expect(
      parse(["LISTEN_FDS": "0", "LISTEN_PID": "77", "LISTEN_FDNAMES": ""]) == .success([]))
  }

  @Test func `what is meant for another process is not ours`() {
    #expect(parse([:]) == .success([]))
    #expect(parse(["LISTEN_FDS": "2", "LISTEN_PID": "78"]) == .success([]))
    #expect(parse(["LISTEN_FDS": "2"]) == .success([]))
    #expect(parse(["LISTEN_PID": "77"]) == .success([]))
    #expect(parse(["LISTEN_FDS": "nonsense", "LISTEN_PID": "1"]) == .success([]))
  }

  @Test(arguments: [
    (["LISTEN_FDS": "-1"], "LISTEN_FDS"), (["LISTEN_FDS": "65"], "LISTEN_FDS"),
    (["LISTEN_FDS": ""], "LISTEN_FDS"), (["LISTEN_FDS": "99999999999999999999"], "LISTEN_FDS"),
    (["LISTEN_FDS": "2", "LISTEN_FDNAMES": "a"], "LISTEN_FDNAMES"),
    (["LISTEN_FDS": "1", "LISTEN_FDNAMES": "a:b"], "LISTEN_FDNAMES"),
    (["LISTEN_FDS": "1", "LISTEN_PID": "x"], "LISTEN_PID"),
    (["LISTEN_FDS": "1", "LISTEN_PID": "0"], "LISTEN_PID"),
    (["LISTEN_FDS": "1", "LISTEN_PID": "-77"], "LISTEN_PID"),
  ])
  func `what no manager writes is refused`(environment: [String: String], variable: String) {
    let whole = ["LISTEN_PID": "77"].merging(environment) { $1 }
    #expect(parse(whole) == .failure(.malformed(variable)))
  }

  @Test func `random variables never trap`() {
    var random = SeededRandom("InheritedSocketTests")
    let alphabet = [UInt8]("0123456789-:ax".utf8)
    func text() -> String {
      String(decoding: random.bytes(countMax: 6, from: alphabet), as: UTF8.self)
    }
    for _ in 0..<5000 {
      _ = parse([
        "LISTEN_FDS": text(), "LISTEN_PID": Bool.random() ? "77" : text(),
        "LISTEN_FDNAMES": text(),
      ])
    }
  }

  @Test func `only sockets that listen are taken, and children do not get them`() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #expect(listen(listener, 1) == 0)
    // Far above what others open here, so that the two stand side by side.
    let first = fcntl(listener, F_DUPFD, 700)
    let second = fcntl(listener, F_DUPFD, first + 1)
    defer { for descriptor in [listener, first, second] { close(descriptor) } }
    #expect(second == first + 1)
    let environment = ["LISTEN_FDS": "2", "LISTEN_PID": String(getpid()), "LISTEN_FDNAMES": "a:b"]
    let taken = try InheritedSocket.take(environment: environment, from: first)
    #expect(taken.map(\.name) == ["a", "b"])
    #expect(taken.map(\.descriptor) == [first, second])
    #expect(fcntl(first, F_GETFD) & FD_CLOEXEC != 0)

    let plain = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    dup2(plain, second)
    close(plain)
    do {
      _ = try InheritedSocket.take(environment: environment, from: first)
      Issue.record("took a socket that does not listen")
    } catch {
      #expect(error == .notListening(second))
      #expect(error.fault.code == .failedPrecondition)
    }
    close(second)
    #expect(throws: InheritedSocketError.notListening(second)) {
      try InheritedSocket.take(environment: environment, from: first)
    }
  }
}
