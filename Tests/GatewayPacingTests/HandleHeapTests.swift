import TestSupport
import Testing

@testable import GatewayPacing

@Suite struct HandleHeapTests {
  @Test func `the least is on top whatever was moved or removed`() {
    var random = SeededRandom("heap")
    for _ in 0..<200 {
      var heap = HandleHeap()
      var all: [Int: (key: Int64, order: UInt64)] = [:]
      var handles: [Int: Int] = [:]
      for value in 0..<150 {
        let (key, order) = (Int64.random(in: 0...20, using: &random), UInt64(value))
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:
          handles[value] = heap.insert(key: key, order: order, value: value)
          all[value] = (key, order)
        case 2:
          if let victim = all.keys.randomElement(using: &random), let handle = handles[victim] {
            heap.remove(handle)
            all[victim] = nil
          }
        default:
          if let moved = all.keys.randomElement(using: &random), let handle = handles[moved] {
            heap.move(handle, to: key, order: order)
            all[moved] = (key, order)
          }
        }
        let least = all.min { ($0.value.key, $0.value.order) < ($1.value.key, $1.value.order) }
        #expect(heap.top?.value == least?.key && heap.count == all.count)
      }
    }
  }
}
