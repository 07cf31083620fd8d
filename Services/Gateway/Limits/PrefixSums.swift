/// Sums over the first slots of an array, kept in a Fenwick tree: O(log n) to change one slot
/// and to find where a sum is reached.
struct PrefixSums: Sendable, Equatable {
  /// A power of two.
  let capacity: Int
  /// `tree[i]` is the sum of the `i & -i` slots that end before slot `i`.
  private var tree: [Int64]

  init(capacity: Int) {
    self.capacity = capacity
    tree = Array(repeating: 0, count: capacity + 1)
  }

  mutating func add(_ delta: Int64, at slot: Int) {
    var index = slot + 1
    while index <= capacity {
      tree[index] += delta
      index += index & -index
    }
  }

  /// The sum of the slots before `slot`.
  func sum(before slot: Int) -> Int64 {
    var index = slot
    var sum: Int64 = 0
    while index > 0 {
      sum += tree[index]
      index -= index & -index
    }
    return sum
  }

  /// The first slot up to which, itself included, the sum is at least `amount`, which is above
  /// zero and at most the sum of all.
  func slot(reaching amount: Int64) -> Int {
    var index = 0
    var missing = amount
    var step = capacity
    while step > 0 {
      let next = index + step
      if next <= capacity, tree[next] < missing {
        index = next
        missing -= tree[next]
      }
      step /= 2
    }
    return min(index, capacity - 1)
  }
}
