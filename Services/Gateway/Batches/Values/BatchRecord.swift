package import GatewayPipeline
package import GatewayProviders
package import GatewayValues

/// A batch as it is written down.
package struct BatchRecord: Hashable, Sendable {
  /// Ours, as callers know it; the provider's own is the machine's.
  package let id: String
  package let caller: Caller
  package let dialect: Dialect
  package let way: BatchWay
  package let requests: Int
  /// Milliseconds since 1970.
  package let created: Int64
  package var machine: BatchMachine
  /// What the caller wants to find with it again: a JSON object, or nothing.
  package var metadata: [UInt8] = []
  /// The file that it was made of, where it was made of one.
  package var inputFile = ""
  /// Headers of the caller's that its provider understands.
  package var headers: [HeaderLine] = []
  /// The provider's files of results.
  package var resultFiles: [String] = []
  /// Made here of calls that can wait: no caller's own batch, and in nobody's list.
  package var isGathered = false
  package var endedAt: Int64?
  package var canceledAt: Int64?

  /// A header that goes with every request about a batch.
  package struct HeaderLine: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package init(
    id: String, caller: Caller, dialect: Dialect, way: BatchWay, requests: Int, created: Int64
  ) {
    self.id = id
    self.caller = caller
    self.dialect = dialect
    self.way = way
    self.requests = requests
    self.created = created
    machine = BatchMachine(created: created)
  }

  /// The name of a batch's request, at the provider and in the ledger; no two of any gateway are
  /// the same.
  package static func key(_ id: String, _ number: Int) -> String { "\(id)-\(number)" }

  /// The request that goes by this name.
  package func number(of key: String) -> Int? {
    guard key.hasPrefix("\(id)-"), let number = Int(key.dropFirst(id.utf8.count + 1)),
      (0..<requests).contains(number)
    else { return nil }
    return number
  }

  /// An id that nobody can guess, in the shape of the family's own.
  package static func newID(
    _ prefix: String, using random: inout some RandomNumberGenerator
  ) -> String {
    let letters = Array("0123456789abcdefghijklmnopqrstuvwxyz")
    return prefix + String((0..<26).map { _ in letters[Int.random(in: 0..<36, using: &random)] })
  }
}

/// One request of a batch.
package struct BatchItem: Hashable, Sendable {
  package let number: Int
  package let customID: String
  /// The ledger's number of its attempt.
  package let attempt: Int64
  package var outcome = BatchOutcome.waiting
  /// The call that it is made for, where it is one of ours.
  package var call: Call?

  /// A call that can wait: enough to make it alone, in another process too.
  package struct Call: Hashable, Sendable {
    package let key: CallKey
    package let hash: [UInt8]
    package let run: GatewayName?
    /// As it was asked for; the body names it as its provider does.
    package let model: String
    /// Milliseconds since 1970.
    package let deadline: Int64
    package let body: [UInt8]

    package init(
      key: CallKey, hash: [UInt8], run: GatewayName?, model: String, deadline: Int64,
      body: [UInt8]
    ) {
      self.key = key
      self.hash = hash
      self.run = run
      self.model = model
      self.deadline = deadline
      self.body = body
    }
  }

  package init(number: Int, customID: String, attempt: Int64) {
    self.number = number
    self.customID = customID
    self.attempt = attempt
  }
}

/// How many requests came to what.
package struct BatchCounts: Hashable, Sendable {
  private var counts: [BatchOutcome: Int] = [:]

  package init() {}

  package subscript(outcome: BatchOutcome) -> Int {
    get { counts[outcome] ?? 0 }
    set { counts[outcome] = newValue }
  }
}

/// A file that a caller has put down.
package struct StoredFile: Hashable, Sendable {
  package let id: String
  package let name: String
  package let byteCount: Int64
  package let created: Int64

  package init(id: String, name: String, byteCount: Int64, created: Int64) {
    self.id = id
    self.name = name
    self.byteCount = byteCount
    self.created = created
  }
}
