// GatewayCache: answers by what was asked, in a file beside the ledger. It keeps what it is given
// and knows nothing of calls, money or providers; an answer of one product is never another's. It
// is bounded by bytes and by age, never makes anybody wait for a write, and can lose everything at
// any time: nothing in it is the only copy of a truth. Limits: `CacheLimits`, `CacheOptions`.

package import GatewayValues

/// Named limits of the cache, beside those that an operator sets.
package enum CacheLimits {
  /// A larger answer is not kept: it would push out thousands of others.
  package static let answerBytesMax = 4 << 20
  /// Answers in the file, however small they are.
  package static let answersMax = 262_144
  /// Of what was used last, kept in memory as well; an eighth of the file's limit where that is
  /// less.
  package static let frontBytesMax = 16 << 20
  /// Answers on their way to the file; what comes on top is not kept.
  package static let writesWaitingMax = 8_192
  package static let writesWaitingBytesMax = 32 << 20
  /// How long the first of a group waits for others: they share pages, and one wake-up.
  package static let gathering = Duration.milliseconds(20)
  /// Written in one transaction.
  package static let writesGroupedMax = 512
  /// Questions that wait for the file; another one is answered with nothing.
  package static let questionsWaitingMax = 1_024
  /// Uses that wait to be written down.
  package static let touchesMax = 1_024
  /// How exactly the file knows when an answer was used last.
  package static let tickSeconds: Int64 = 64
  /// Of the write-ahead log before it is moved into the file.
  package static let logPagesMax = 1_000
  /// Rows that are looked at in one go when room is needed.
  package static let evictedAtOnceMax = 64
  /// Between two times that a damaged file is begun anew.
  package static let freshStartPause = Duration.seconds(60)
  package static let bytesRange = 0...(1 << 40)
  package static let ageRange = Duration.zero...Duration.seconds(366 * 86_400)
}

/// What an answer is the answer to.
package struct CacheKey: Hashable, Sendable {
  package let product: GatewayName
  /// SHA-256 over everything that changes the answer.
  package let hash: [UInt8]

  package init(product: GatewayName, hash: [UInt8]) {
    self.product = product
    self.hash = hash
  }

  /// Tells whether it may be in the file; two keys can have the same.
  var mark: UInt64 {
    var mark: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in product.text.utf8 { mark = (mark ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    for byte in hash.prefix(8) { mark = mark << 8 | mark >> 56 ^ UInt64(byte) }
    return mark
  }
}

/// An answer as it is kept: its bytes, and what its owner says of it.
package struct CachedAnswer: Equatable, Sendable {
  package var facts: [UInt8]
  package var body: [UInt8]

  package init(facts: [UInt8], body: [UInt8]) {
    self.facts = facts
    self.body = body
  }

  /// What it takes in the file, its row included.
  package var byteCount: Int { facts.count + body.count + Self.rowBytes }

  static let rowBytes = 256
}

/// How much is kept, and how long.
package struct CacheOptions: Sendable {
  /// The folder of the ledger, which its owner has locked.
  package var folder: String
  package var bytesMax: Int
  package var ageMax: Duration
  /// Milliseconds since 1970.
  package var clock: @Sendable () -> Int64

  package init(
    folder: String, bytesMax: Int, ageMax: Duration, clock: @escaping @Sendable () -> Int64
  ) {
    self.folder = folder
    self.bytesMax = bytesMax
    self.ageMax = ageMax
    self.clock = clock
  }

  /// Nothing is kept where either is none.
  package var isOn: Bool { bytesMax > 0 && ageMax > .zero }

  var path: String { "\(folder)/cache.db" }
  var ageMaxMilliseconds: Int64 {
    let (seconds, attoseconds) = ageMax.components
    return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
  }

  var frontBytesMax: Int { min(CacheLimits.frontBytesMax, bytesMax / 8) }
}
