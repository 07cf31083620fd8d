package import Faults
import GatewayBudgets
package import GatewayValues
package import LedgerFile
import SQLite

/// What attempts of one model came to where prompt caches are concerned.
package struct CachingSummary: Hashable, Sendable {
  /// Empty of all models together.
  package var model = ""
  package var calls: Int64 = 0
  package var attempts: Int64 = 0
  package var usage = TokenUsage()
  package var settled = NanoDollars.zero
  package var uncertain = NanoDollars.zero
  /// Tokens that the settled attempts were expected to read.
  package var readPredicted: Int64 = 0
  /// What was settled would have cost so much more without caches; below zero: less.
  package var saved = NanoDollars.zero

  package init() {}

  /// What the same tokens would have cost without any cache.
  package var uncached: NanoDollars { NanoDollars(settled.count.adding(saved.count)) }

  /// Of that cost; 0 where nothing was paid.
  package var savedShare: Double {
    uncached.count > 0 ? Double(saved.count) / Double(uncached.count) : 0
  }

  package mutating func add(_ other: CachingSummary) {
    calls = calls.adding(other.calls)
    attempts = attempts.adding(other.attempts)
    usage.freshInput = usage.freshInput.adding(other.usage.freshInput)
    usage.cacheRead = usage.cacheRead.adding(other.usage.cacheRead)
    usage.cacheWriteShort = usage.cacheWriteShort.adding(other.usage.cacheWriteShort)
    usage.cacheWriteLong = usage.cacheWriteLong.adding(other.usage.cacheWriteLong)
    usage.output = usage.output.adding(other.usage.output)
    usage.reasoning = usage.reasoning.adding(other.usage.reasoning)
    usage.webSearches = usage.webSearches.adding(other.usage.webSearches)
    settled = NanoDollars(settled.count.adding(other.settled.count))
    uncertain = NanoDollars(uncertain.count.adding(other.uncertain.count))
    readPredicted = readPredicted.adding(other.readPredicted)
    saved = NanoDollars(saved.count.adding(other.saved.count))
  }

  fileprivate init(_ sum: SpendSummary) {
    model = sum.group
    calls = sum.calls
    attempts = sum.attempts
    usage = sum.usage
    settled = sum.settled
    uncertain = sum.uncertain
  }
}

extension LedgerReader {
  /// What the attempts of a filter read from prompt caches, by model, the dearest first.
  ///
  /// The price without caches is reckoned from sums of tokens of one price each, so that what each
  /// line was rounded by is in both costs alike.
  package func caching(_ filter: AttemptFilter) throws(Fault) -> [CachingSummary] {
    // One state of the file for all three questions.
    try ask { () throws(SQLiteError) in try connection.begin(.reading) }
    defer { connection.rollBack() }
    var rows = try summary(by: .model, filter).map(CachingSummary.init)
    try ask { () throws(SQLiteError) in
      let prices = try StoredBudgets.prices(on: connection)
      let row = try cached(filter)
      while try row.step() {
        let model = row.text(at: 0)
        guard let place = rows.firstIndex(where: { $0.model == model }) else { continue }
        let version = row.text(at: 1)
        let price = prices.history(of: model).first { $0.version == version }?.price
        let usage = TokenUsage(
          cacheRead: row.int64(at: 4), cacheWriteShort: row.int64(at: 5),
          cacheWriteLong: row.int64(at: 6))
        let saved = price?.savedByCaching(
          usage, isSurcharged: row.int64(at: 3) == 1, isBatched: row.int64(at: 2) == 1)
        rows[place].saved = NanoDollars(
          rows[place].saved.count.adding(saved?.count ?? 0))
        rows[place].readPredicted = rows[place].readPredicted.adding(row.int64(at: 7))
      }
    }
    return rows
  }

  /// Lines that a cache has to do with, added up where they have one price.
  private func cached(_ filter: AttemptFilter) throws(SQLiteError) -> Statement {
    let conditions =
      ["(kind = 1 OR (kind = 3 AND attempt <> 0))", "state = 3"] + filter.conditions
    let row = try connection.statement(
      composed: """
        SELECT model, price_version, is_batched, is_long, sum(cache_read),
          sum(cache_write_short), sum(cache_write_long), sum(predicted)
        FROM (
          SELECT model, price_version, is_batched, cache_read, cache_write_short,
            cache_write_long,
            EXISTS (
              SELECT 1 FROM price_versions p
              WHERE p.model = lines.model AND p.version = lines.price_version
                AND p.surcharge_percent >= 0 AND p.surcharge_above
                  < fresh_input + lines.cache_read + lines.cache_write_short
                    + lines.cache_write_long) AS is_long,
            CASE kind WHEN 1 THEN coalesce(
              (SELECT q.cache_read FROM predictions q WHERE q.line = lines.number), 0)
            ELSE 0 END AS predicted
          FROM lines WHERE \(conditions.joined(separator: " AND "))
        )
        WHERE cache_read + cache_write_short + cache_write_long + predicted > 0
        GROUP BY 1, 2, 3, 4
        """)
    try filter.bind(row)
    return row
  }
}
