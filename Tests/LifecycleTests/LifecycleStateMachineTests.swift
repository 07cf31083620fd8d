import TestSupport
import Testing

@testable import Lifecycle

@Suite struct LifecycleStateMachineTests {
  private struct Broken: Error {}

  private func machine(_ names: String..., mayEnd: Set<Int> = []) -> LifecycleStateMachine {
    LifecycleStateMachine(names: names, mayEnd: names.indices.map(mayEnd.contains))
  }

  @Test func `a signal stops the last started first, one after another`() {
    var machine = machine("store", "server", "health")
    #expect(machine.handle(.stop(.signal(15))) == [.announce(.signal(15)), .shutDown(2)])
    #expect(machine.handle(.ended(2, nil)) == [.shutDown(1)])
    #expect(machine.handle(.ended(1, CancellationError())) == [.shutDown(0)])
    #expect(machine.handle(.ended(0, nil)) == [.finish])
    #expect(machine.reason == .signal(15))
    #expect(machine.failures.isEmpty)
  }

  @Test func `one that ends before its turn is passed over`() {
    var machine = machine("a", "b", "c")
    _ = machine.handle(.stop(.request))
    #expect(machine.handle(.ended(1, nil)) == [])
    #expect(machine.handle(.ended(2, nil)) == [.shutDown(0)])
    #expect(machine.handle(.ended(0, nil)) == [.finish])
  }

  @Test func `a failure stops the others and is kept`() {
    var machine = machine("a", "b", "c")
    #expect(machine.handle(.ended(1, Broken())) == [.announce(.member("b")), .shutDown(2)])
    #expect(machine.handle(.ended(2, Broken())) == [.shutDown(0)])
    #expect(machine.handle(.ended(0, nil)) == [.finish])
    #expect(machine.failures.map(\.name) == ["b", "c"])
    #expect(machine.reason == .member("b"))
  }

  @Test func `to return unasked is a failure unless it may`() {
    var strict = machine("a", "b")
    #expect(strict.handle(.ended(0, nil)) == [.announce(.member("a")), .shutDown(1)])
    #expect(strict.failures.map(\.name) == ["a"])
    #expect(strict.failures[0].error == nil)

    var lenient = machine("a", "b", mayEnd: [0, 1])
    #expect(lenient.handle(.ended(0, nil)) == [])
    #expect(lenient.handle(.ended(1, nil)) == [.finish])
    #expect(lenient.reason == .done)
    #expect(lenient.failures.isEmpty)

    var last = machine("a", mayEnd: [])
    #expect(last.handle(.ended(0, nil)) == [.announce(.member("a")), .finish])
  }

  @Test func `patience ends with a cancellation of all that is left`() {
    var machine = machine("a", "b", "c")
    #expect(machine.handle(.patienceEnded) == [])
    _ = machine.handle(.stop(.signal(2)))
    _ = machine.handle(.ended(2, nil))
    #expect(machine.handle(.patienceEnded) == [.cancel([0, 1])])
    #expect(machine.handle(.patienceEnded) == [])
    #expect(machine.handle(.ended(0, CancellationError())) == [])
    #expect(machine.handle(.ended(1, CancellationError())) == [.finish])
    #expect(machine.failures.isEmpty)
    #expect(machine.handle(.timeEnded) == [])
  }

  @Test func `time ends with the process`() {
    var machine = machine("a", "b")
    #expect(machine.handle(.timeEnded) == [])
    _ = machine.handle(.stop(.signal(15)))
    _ = machine.handle(.patienceEnded)
    #expect(machine.handle(.timeEnded) == [.exit(1, running: [0, 1])])
    #expect(machine.handle(.ended(0, nil)) == [])
  }

  @Test func `a second signal ends the process at once, a second request does nothing`() {
    var machine = machine("a")
    _ = machine.handle(.stop(.signal(15)))
    #expect(machine.handle(.stop(.request)) == [])
    #expect(machine.handle(.stop(.signal(2))) == [.exit(130, running: [0])])
    #expect(machine.handle(.stop(.signal(2))) == [])

    var requested = self.machine("a")
    _ = requested.handle(.stop(.request))
    #expect(requested.handle(.stop(.signal(15))) == [])
    #expect(requested.handle(.stop(.signal(15))) == [.exit(143, running: [0])])
  }

  @Test func `nothing to run has ended`() {
    var machine = machine()
    #expect(machine.handle(.stop(.signal(15))) == [])
  }

  @Test func `whatever happens, the rules hold`() {
    var random = SeededRandom("LifecycleStateMachineTests")
    for _ in 0..<20_000 {
      let count = Int.random(in: 1...4, using: &random)
      var machine = LifecycleStateMachine(
        names: (0..<count).map(String.init),
        mayEnd: (0..<count).map { _ in Bool.random(using: &random) })
      var told: [Int] = []
      var ended: Set<Int> = []
      var ends = 0
      for _ in 0..<16 {
        let input: LifecycleStateMachine.Input
        switch Int.random(in: 0..<8, using: &random) {
        case 0: input = .stop(.request)
        case 1: input = .stop(.signal(15))
        case 2: input = .patienceEnded
        case 3: input = .timeEnded
        default:
          let index = Int.random(in: 0..<count, using: &random)
          ended.insert(index)
          input = .ended(index, Bool.random(using: &random) ? Broken() : nil)
        }
        for action in machine.handle(input) {
          #expect(ends == 0)
          switch action {
          case .shutDown(let index):
            #expect(!ended.contains(index))
            #expect(told.allSatisfy { $0 > index })
            told.append(index)
          case .cancel(let indices): #expect(ended.isDisjoint(with: indices))
          case .finish:
            #expect(ended.count == count)
            ends += 1
          case .exit(_, let running):
            #expect(Set(running).isDisjoint(with: ended))
            ends += 1
          case .announce: break
          }
        }
      }
    }
  }
}
