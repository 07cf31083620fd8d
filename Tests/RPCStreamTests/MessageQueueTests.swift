import Faults
import RPCStream
import Synchronization
import Testing
import TestingContract

@Suite(.timeLimit(.minutes(1))) struct MessageQueueTests {
  private func message(_ text: String) -> EchoRequest {
    var message = EchoRequest()
    message.text = text
    return message
  }

  @Test func `messages are read in order, then the end, again and again`() async throws {
    let queue = MessageQueue<EchoRequest>()
    queue.push(message("a"), isCompressed: false)
    queue.push(message("b"), isCompressed: true)
    queue.finish()
    let first = try await queue.next()
    #expect(first?.text == "a")
    #expect(!queue.isLastTakenCompressed)
    let second = try await queue.next()
    #expect(second?.text == "b")
    #expect(queue.isLastTakenCompressed)
    for _ in 0..<2 {
      let end = try await queue.next()
      #expect(end == nil)
    }
  }

  @Test func `a reader that waits gets what comes, from any thread`() async throws {
    let queue = MessageQueue<EchoRequest>()
    let reader = Task {
      var count = 0
      while try await queue.next() != nil { count += 1 }
      return count
    }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { for _ in 0..<500 { queue.push(EchoRequest(), isCompressed: false) } }
      }
    }
    queue.finish()
    let count = try await reader.value
    #expect(count == 2000)
  }

  @Test func `a fault comes after what is queued, or at once when told to drop`() async throws {
    let fault = Fault(.unavailable, reason: "X", "x")
    for drops in [false, true] {
      let queue = MessageQueue<EchoRequest>()
      queue.push(message("a"), isCompressed: false)
      queue.fail(fault, dropping: drops)
      if !drops {
        let first = try await queue.next()
        #expect(first?.text == "a")
      }
      await #expect(throws: fault) { _ = try await queue.next() }
    }
  }

  @Test func `cancelling the reader wakes it`() async {
    let queue = MessageQueue<EchoRequest>()
    let reader = Task { _ = try await queue.next() }
    reader.cancel()
    await #expect(throws: CancellationError.self) { try await reader.value }
  }

  @Test func `a second reader is refused`() async throws {
    let queue = MessageQueue<EchoRequest>()
    let outcomes = await withTaskGroup(of: String.self) { group in
      for _ in 0..<2 {
        group.addTask {
          do {
            _ = try await queue.next()
            return "read"
          } catch {
            queue.finish()
            return (error as? Fault)?.reason ?? "other"
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.sorted() == ["SECOND_READER", "read"])
  }

  @Test func `room is given back in steps, once the reader has taken all`() async throws {
    let queue = MessageQueue<EchoRequest>()
    let credited = Credited()
    queue.onCredit { credited.add($0) }
    queue.push(message("a"), isCompressed: false)
    queue.push(message("b"), isCompressed: false)
    #expect(queue.arrived(40 << 10) == 0)
    _ = try await queue.next()
    #expect(credited.total == 0)
    _ = try await queue.next()
    #expect(credited.total == 40 << 10)
    // Nothing queued: a large message on its way gets room at once.
    #expect(queue.arrived(10 << 10) == 0)
    #expect(queue.arrived(30 << 10) == 40 << 10)
  }

  private final class Credited: Sendable {
    private let sum = Atomic<Int>(0)
    var total: Int { sum.load(ordering: .relaxed) }
    func add(_ count: Int) { sum.add(count, ordering: .relaxed) }
  }
}
