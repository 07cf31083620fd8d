/// The answers that were used last, in memory.
///
/// Two halves: what is used goes into the young one; when that is full it becomes the old one, and
/// the old one is forgotten. Nothing is moved at a use but one entry, and only once.
struct CacheFront {
  struct Entry {
    let answer: CachedAnswer
    let keptMilliseconds: Int64
    /// When the file last heard of a use, in ticks.
    var tick: Int64
  }

  private let bytesMax: Int
  private var young: [CacheKey: Entry] = [:]
  private var old: [CacheKey: Entry] = [:]
  private var youngBytes = 0
  private var oldBytes = 0

  /// What was forgotten, for whoever has the time to free it: tens of thousands of answers take
  /// milliseconds.
  private(set) var forgotten: [[CacheKey: Entry]] = []

  init(bytesMax: Int) { self.bytesMax = bytesMax }

  var byteCount: Int { youngBytes + oldBytes }

  mutating func put(_ entry: Entry, for key: CacheKey) {
    remove(key)
    let size = entry.answer.byteCount
    guard size <= bytesMax / 2 else { return }
    if youngBytes + size > bytesMax / 2 {
      if !old.isEmpty { forgotten.append(old) }
      old = young
      oldBytes = youngBytes
      young = [:]
      youngBytes = 0
    }
    young[key] = entry
    youngBytes += size
  }

  /// The entry, which is among the young from now on.
  mutating func use(_ key: CacheKey) -> Entry? {
    if let entry = young[key] { return entry }
    guard let entry = old[key] else { return nil }
    put(entry, for: key)
    return entry
  }

  mutating func takeForgotten() -> [[CacheKey: Entry]] {
    defer { forgotten = [] }
    return forgotten
  }

  /// The file has been told of a use.
  mutating func told(_ key: CacheKey, tick: Int64) { young[key]?.tick = tick }

  mutating func remove(_ key: CacheKey) {
    if let entry = young.removeValue(forKey: key) { youngBytes -= entry.answer.byteCount }
    if let entry = old.removeValue(forKey: key) { oldBytes -= entry.answer.byteCount }
  }
}
