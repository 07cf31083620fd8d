/// The streams of one connection by their number.
///
/// A peer sends a stream's frames in a row, so the stream of the last insert is looked at first,
/// and most lookups hash nothing.
@usableFromInline package struct StreamTable<Stream: AnyObject> {
  @usableFromInline var all: [Int32: Stream] = [:]
  @usableFromInline var lastNumber: Int32 = 0
  @usableFromInline var last: Stream?

  @inlinable package init() {}

  @inlinable package var isEmpty: Bool { all.isEmpty }
  @inlinable package var count: Int { all.count }
  @inlinable package var values: [Stream] { Array(all.values) }

  @inlinable package subscript(number: Int32) -> Stream? {
    if number == lastNumber { return last }
    return all[number]
  }

  @inlinable package mutating func insert(_ stream: Stream, for number: Int32) {
    all[number] = stream
    lastNumber = number
    last = stream
  }

  @inlinable package mutating func remove(_ number: Int32) -> Stream? {
    if number == lastNumber { last = nil }
    return all.removeValue(forKey: number)
  }

  @inlinable package mutating func removeAll() {
    last = nil
    all = [:]
  }
}
