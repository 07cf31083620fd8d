import Faults
import GatewayCache
import GatewayValues
import Machine
import SQLite
import Telemetry
import TestSupport
import Testing

/// Answers kept in a file, found again, and given up in time.
@Suite(.timeLimit(.minutes(1))) struct AnswerCacheTests {
  @Test func `an answer is found again, after a restart as well, and by its own product only`()
    async throws
  {
    try await CacheFixture.with { fixture in
      let cache = try await fixture.open()
      #expect(await cache.answer(fixture.key(1)) == nil)
      cache.keep(fixture.answer(1), for: fixture.key(1))
      // At once, whatever the disk does.
      #expect(await cache.answer(fixture.key(1)) == fixture.answer(1))
      #expect(await cache.answer(fixture.key(1, CacheFixture.other)) == nil)
      await cache.close()
      let again = try await fixture.open()
      #expect(await again.answer(fixture.key(1)) == fixture.answer(1))
      #expect(await again.answer(fixture.key(1, CacheFixture.other)) == nil)
      // What is asked anew takes the place of what was there.
      again.keep(fixture.answer(2), for: fixture.key(1))
      await again.close()
      let third = try await fixture.open()
      #expect(await third.answer(fixture.key(1)) == fixture.answer(2))
      await third.close()
      #expect(fixture.count("stored") == 2 && fixture.count("hit") == 3)
    }
  }

  @Test func `the file never has more than it may, and gives up what was used the longest ago`()
    async throws
  {
    try await CacheFixture.with { fixture in
      fixture.bytesMax = 64 << 10
      let cache = try await fixture.open()
      for index in 0..<20 {
        cache.keep(fixture.answer(index, bytes: 2_000), for: fixture.key(index))
      }
      await cache.close()
      // Used an hour later, from memory or from the file.
      fixture.pass(.seconds(3_600))
      let second = try await fixture.open()
      #expect(await second.answer(fixture.key(0)) != nil)
      await second.close()
      let third = try await fixture.open()
      for index in 20..<40 {
        third.keep(fixture.answer(index, bytes: 2_000), for: fixture.key(index))
      }
      await third.close()
      let last = try await fixture.open()
      #expect(await last.answer(fixture.key(0)) != nil)
      #expect(await last.answer(fixture.key(1)) == nil)
      #expect(await last.answer(fixture.key(39)) != nil)
      await last.close()
      let sum = try fixture.number("SELECT sum(bytes) FROM answers")
      #expect(sum <= 64 << 10 && sum > 60 << 10, "\(sum)")
      #expect(try fixture.number("SELECT count(*) FROM bodies") == fixture.rows())
      #expect(fixture.count("evicted") == 40 - (try fixture.rows()))
    }
  }

  @Test func `an answer is given no longer than it may be, and then it is gone`() async throws {
    try await CacheFixture.with { fixture in
      let cache = try await fixture.open()
      cache.keep(fixture.answer(1), for: fixture.key(1))
      fixture.pass(.seconds(86_400))
      #expect(await cache.answer(fixture.key(1)) != nil)
      fixture.pass(.milliseconds(1))
      #expect(await cache.answer(fixture.key(1)) == nil)
      await cache.close()
      let again = try await fixture.open()
      #expect(await again.answer(fixture.key(1)) == nil)
      await again.close()
      #expect(try fixture.rows() == 0)
      #expect(fixture.count("expired") == 1)
    }
  }

  @Test(arguments: ["garbage", "newer", "another page"])
  func `a file that cannot be used is begun anew`(damage: String) async throws {
    try await CacheFixture.with { fixture in
      let cache = try await fixture.open()
      cache.keep(fixture.answer(1), for: fixture.key(1))
      await cache.close()
      switch damage {
      case "garbage": try Files.replace(fixture.path, with: String(repeating: "x", count: 9_000))
      case "newer": try fixture.change { try $0.setUserVersion(99) }
      default:
        var bytes = try Files.read(fixture.path)
        for place in 4_096..<min(bytes.count, 5 * 4_096) { bytes[place] = 0x55 }
        try Files.replace(fixture.path, with: String(decoding: bytes, as: Unicode.ASCII.self))
      }
      let again = try await fixture.open()
      #expect(await again.answer(fixture.key(1)) == nil)
      again.keep(fixture.answer(2), for: fixture.key(2))
      await again.close()
      let third = try await fixture.open()
      #expect(await third.answer(fixture.key(2)) == fixture.answer(2))
      await third.close()
    }
  }

  @Test func `another program's file is left alone, and said to be so`() async throws {
    try await CacheFixture.with { fixture in
      try fixture.change {
        try $0.execute("CREATE TABLE theirs (a)")
        try $0.setApplicationID(7)
      }
      let fault = await #expect(throws: Fault.self) { try await fixture.open() }
      #expect(fault?.reason == "CACHE_FOREIGN")
      #expect(try fixture.number("SELECT count(*) FROM theirs") == 0)
    }
  }

  @Test func `bytes that the disk has changed are never given out`() async throws {
    try await CacheFixture.with { fixture in
      let cache = try await fixture.open()
      cache.keep(fixture.answer(1), for: fixture.key(1))
      await cache.close()
      try fixture.change { try $0.execute("UPDATE bodies SET body = x'00'") }
      let again = try await fixture.open()
      #expect(await again.answer(fixture.key(1)) == nil)
      #expect(fixture.count("failed") == 1)
      await again.close()
    }
  }

  @Test func `a file that breaks while it is open fails nobody`() async throws {
    try await CacheFixture.with { fixture in
      let cache = try await fixture.open()
      cache.keep(fixture.answer(1, bytes: 200_000), for: fixture.key(1))
      try await eventually("it is written", on: fixture.loop) { fixture.count("stored") == 1 }
      try fixture.change { try $0.execute("DROP TABLE bodies") }
      cache.keep(fixture.answer(2), for: fixture.key(2))
      // From memory, whatever became of the file.
      #expect(await cache.answer(fixture.key(2)) == fixture.answer(2))
      try await eventually("it is seen", on: fixture.loop) { fixture.count("failed") > 0 }
      #expect(await cache.answer(fixture.key(3)) == nil)
      await cache.close()
    }
  }

  @Test func `what is larger than any answer may be is not kept`() async throws {
    try await CacheFixture.with { fixture in
      let cache = try await fixture.open()
      cache.keep(
        fixture.answer(1, bytes: CacheLimits.answerBytesMax + 1), for: fixture.key(1))
      #expect(await cache.answer(fixture.key(1)) == nil)
      #expect(fixture.count("dropped") == 1)
      await cache.close()
    }
  }

  @Test func `a use is written down once in a while and rewrites no answer`() async throws {
    try await CacheFixture.with { fixture in
      let cache = try await fixture.open()
      cache.keep(fixture.answer(1), for: fixture.key(1))
      for _ in 0..<100 { _ = await cache.answer(fixture.key(1)) }
      await cache.close()
      let first = try fixture.number("SELECT used FROM answers")
      fixture.pass(.seconds(3_600))
      let again = try await fixture.open()
      for _ in 0..<100 { _ = await again.answer(fixture.key(1)) }
      await again.close()
      let second = try fixture.number("SELECT used FROM answers")
      #expect(second - first == 3_600 / CacheLimits.tickSeconds)
    }
  }
}
