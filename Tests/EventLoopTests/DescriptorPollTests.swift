import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct DescriptorPollTests {
  /// Two ends that do not block, closed by the test.
  private func pair() -> (near: Int32, far: Int32) {
    var ends: [Int32] = [-1, -1]
    unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    return (ends[0], ends[1])
  }

  @Test func `readiness is told for what is watched, and for nothing else`() async throws {
    let (near, far) = pair()
    defer {
      close(near)
      close(far)
    }
    try await withLoop { loop in
      let seen = Shelf<[Readiness]>([])
      let poll = OnLoop<DescriptorPoll?>(nil)
      try await loop.perform {
        poll.value = try DescriptorPoll(near, on: loop) {
          seen.append($0)
          poll.value?.unwatch()
        } onStop: {
        }
        poll.value?.watch(.write)
      }
      try await loop.wait("it can be written") { seen.value == [.write] }
      try await loop.perform {
        poll.value?.watch(.read)
        #expect(poll.value?.watched == .read)
      }
      // Writable all the time, and not told.
      try await loop.sleep(for: .milliseconds(5))
      #expect(seen.value == [.write])
      unsafe write(far, "x", 1)
      try await loop.wait("it can be read") { seen.value == [.write, .read] }
      #expect(try await loop.perform { poll.value?.watched } == [])
      try await loop.perform { poll.value?.close() }
    }
  }

  @Test func `the end of the loop is told once`() async throws {
    let (near, far) = pair()
    defer {
      close(near)
      close(far)
    }
    let told = Shelf<[String]>([])
    try await withLoop { loop in
      try await loop.perform {
        _ = try LoopEndWatch(on: loop) { told.append("watch") }
        let closed = try LoopEndWatch(on: loop) { told.append("closed") }
        closed.close()
        let poll = try DescriptorPoll(near, on: loop, onReady: { _ in }) { told.append("poll") }
        poll.watch()
      }
      #expect(told.value == [])
    }
    #expect(told.value.sorted() == ["poll", "watch"])
  }
}
