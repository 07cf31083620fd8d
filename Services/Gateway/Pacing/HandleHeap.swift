/// The least of many, any of which can be taken out or moved: all in O(log n).
package struct HandleHeap: Sendable {
  private struct Item: Sendable {
    var key: Int64
    /// Equal keys leave in the order of their tickets.
    var order: UInt64
    var handle: Int
    var value: Int
  }

  private var items: [Item] = []
  /// Where each handle's item is.
  private var places: [Int] = []
  private var free: [Int] = []

  package init() {}

  package var isEmpty: Bool { items.isEmpty }
  package var count: Int { items.count }
  package var top: (key: Int64, value: Int)? { items.first.map { ($0.key, $0.value) } }

  package mutating func insert(key: Int64, order: UInt64, value: Int) -> Int {
    let handle = free.popLast() ?? places.count
    if handle == places.count { places.append(0) }
    items.append(Item(key: key, order: order, handle: handle, value: value))
    places[handle] = items.count - 1
    rise(items.count - 1)
    return handle
  }

  package mutating func remove(_ handle: Int) {
    let place = places[handle]
    free.append(handle)
    let last = items.removeLast()
    guard place < items.count else { return }
    items[place] = last
    places[last.handle] = place
    rise(place)
    sink(places[last.handle])
  }

  package mutating func move(_ handle: Int, to key: Int64, order: UInt64) {
    let place = places[handle]
    items[place].key = key
    items[place].order = order
    rise(place)
    sink(places[handle])
  }

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    (items[left].key, items[left].order) < (items[right].key, items[right].order)
  }

  private mutating func swap(_ left: Int, _ right: Int) {
    items.swapAt(left, right)
    places[items[left].handle] = left
    places[items[right].handle] = right
  }

  private mutating func rise(_ place: Int) {
    var place = place
    while place > 0, isBefore(place, (place - 1) / 2) {
      swap(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func sink(_ place: Int) {
    var place = place
    while true {
      var least = place
      let child = 2 * place + 1
      if child < items.count, isBefore(child, least) { least = child }
      if child + 1 < items.count, isBefore(child + 1, least) { least = child + 1 }
      guard least != place else { return }
      swap(place, least)
      place = least
    }
  }
}
