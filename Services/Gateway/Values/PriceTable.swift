/// Prices by model and by the day from which they hold. A call is priced by what held when it was
/// admitted, and says which version that was: a new price never re-prices the past.
package struct PriceTable: Hashable, Sendable {
  /// One price from a moment on.
  package struct Entry: Hashable, Sendable {
    package let price: ModelPrice
    /// Milliseconds since 1970.
    package let fromMilliseconds: Int64
    /// Where it comes from, as it is written beside every call that it priced.
    package let version: String

    package init(_ price: ModelPrice, fromMilliseconds: Int64, version: String) {
      self.price = price
      self.fromMilliseconds = fromMilliseconds
      self.version = version
    }
  }

  /// By model; each list ordered by its moments.
  private var entries: [String: [Entry]] = [:]

  package init() {}

  /// Adds a price, or replaces the one of the same model and moment.
  package mutating func set(_ entry: Entry, for model: String) {
    var list = entries[model, default: []]
    list.removeAll { $0.fromMilliseconds == entry.fromMilliseconds }
    let place = list.firstIndex { $0.fromMilliseconds > entry.fromMilliseconds } ?? list.endIndex
    list.insert(entry, at: place)
    entries[model] = list
  }

  /// What a model costs at a moment; nil when nobody ever said, and then it cannot be called.
  package func entry(for model: String, atMilliseconds moment: Int64) -> Entry? {
    entries[model]?.last { $0.fromMilliseconds <= moment }
  }

  package var models: [String] { entries.keys.sorted() }

  package func history(of model: String) -> [Entry] { entries[model] ?? [] }
}
