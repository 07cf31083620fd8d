import EventLoop
import Testing

@Suite(.timeLimit(.minutes(1))) struct HostLookupTests {
  @Test func `a name becomes numeric addresses, without doubles`() async throws {
    try await withLoop { loop in
      let found = Shelf<[String]?>(nil)
      try await loop.perform {
        _ = HostLookup(of: "localhost", on: loop) { found.value = try? $0.get() }
        #expect(found.value == nil)
      }
      try await loop.wait("the answer is there") { found.value != nil }
      let addresses = found.value ?? []
      #expect(addresses.contains("127.0.0.1") || addresses.contains("::1"))
      #expect(Set(addresses).count == addresses.count)
    }
  }

  @Test func `a name that nobody has is an error`() async throws {
    try await withLoop { loop in
      let code = Shelf<EventLoopError.Code?>(nil)
      try await loop.perform {
        _ = HostLookup(of: "no-such-host.invalid", on: loop) { result in
          if case .failure(let error) = result { code.value = error.code }
        }
      }
      try await loop.wait("the answer is there") { code.value != nil }
      #expect(code.value == .notFound)
    }
  }

  @Test func `a cancelled question is not answered`() async throws {
    let answers = Shelf<[String]>([])
    try await withLoop { loop in
      try await loop.perform {
        HostLookup(of: "localhost", on: loop) { _ in answers.append("cancelled") }.cancel()
        _ = HostLookup(of: "localhost", on: loop) { _ in answers.append("other") }
      }
      try await loop.wait("the other is answered") { !answers.value.isEmpty }
    }
    #expect(answers.value == ["other"])
  }
}
