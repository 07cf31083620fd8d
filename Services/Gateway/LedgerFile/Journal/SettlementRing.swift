import Machine

/// Which blocks of the journal of settlements may be written over: those of groups whose lines are
/// all on the disk in the database. Blocks are given in a circle. Pure.
package struct SettlementRing: Sendable {
  /// Where a group goes.
  package struct Place: Equatable, Sendable {
    package let number: Int64
    /// The oldest group that is still needed; this one, when there is no other.
    package let oldest: Int64
    package let offset: Int
  }

  private struct Entry {
    /// Its first block, counted from the first that was ever given.
    let start: Int
    /// Attempts whose lines are not committed.
    var remaining: Int
  }

  private let blockCount: Int
  private var entries: [Entry] = []
  private var firstNumber: Int64 = 1
  private var head = 0

  package init(byteCount: Int) { blockCount = byteCount / DirectFile.blockBytes }

  /// Gives blocks for so many attempts; nil when too few may be written over.
  package mutating func place(byteCount: Int, attempts: Int) -> Place? {
    let blocks = DirectFile.room(for: byteCount) / DirectFile.blockBytes
    var start = head
    // A group lies in one piece.
    if start % blockCount + blocks > blockCount { start += blockCount - start % blockCount }
    let oldestStart = entries.first?.start ?? start
    guard blocks > 0, start + blocks - oldestStart <= blockCount else { return nil }
    let number = firstNumber + Int64(entries.count)
    entries.append(Entry(start: start, remaining: attempts))
    head = start + blocks
    return Place(
      number: number, oldest: firstNumber,
      offset: start % blockCount * DirectFile.blockBytes)
  }

  /// The line of an attempt of this group is on the disk.
  package mutating func release(_ number: Int64) {
    let index = Int(number - firstNumber)
    guard entries.indices.contains(index) else { return }
    entries[index].remaining -= 1
    let over = entries.prefix { $0.remaining <= 0 }.count
    guard over > 0 else { return }
    entries.removeFirst(over)
    firstNumber += Int64(over)
  }

  /// Groups of which something is needed.
  package var count: Int { entries.count }
}
