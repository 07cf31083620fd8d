import Digest
import GatewayProviders

/// Everything of a prompt up to the end of one of its blocks, by its content.
package struct PrefixKey: Hashable, Sendable {
  let high: UInt64
  let low: UInt64

  /// Two prefixes that are the same share a key, and no others do.
  init(_ digest: [UInt8]) {
    high = digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    low = digest.dropFirst(8).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// For a provider's log: 32 digits.
  package var text: String {
    Hex.text([high, low].flatMap { word in (0..<8).map { UInt8(word >> (56 - $0 * 8) & 0xFF) } })
  }

  var bytes: [UInt8] {
    [high, low].flatMap { word in (0..<8).map { UInt8(word >> (56 - $0 * 8) & 0xFF) } }
  }
}

/// The prefixes of a call, in the order in which a model reads: tools, system, messages.
package struct PromptOutline: Equatable, Sendable {
  /// The end of a block.
  package struct Boundary: Equatable, Sendable {
    package let key: PrefixKey
    /// From the start to here, guessed.
    package let tokens: Int64
    /// Which block ends here, counted over all of them.
    package let place: Int
    /// Whether the block can carry a mark.
    package let canBeMarked: Bool
    /// Whether the caller has marked it, and for how long.
    package fileprivate(set) var mark: PrefixLife?
  }

  package private(set) var boundaries: [Boundary] = []
  /// Whether the marks are in the caller's own bytes, and so stay as they are.
  package var hasFixedMarks = false
  private var tokens: Int64 = 0
  private var digest: [UInt8]

  /// `base` is what breaks every prefix when it changes: the model and what comes before tools.
  init(base: [UInt8]) { digest = base }

  /// The whole prompt, guessed.
  package var tokensTotal: Int64 { tokens }
  package var isMarked: Bool { boundaries.contains { $0.mark != nil } }

  /// Mixes in what breaks the prefixes from here on when it changes.
  mutating func mix(_ body: (inout SHA256) -> Void) {
    var next = SHA256()
    next.update(digest)
    body(&next)
    digest = next.finish()
  }

  mutating func append(
    tokens count: Int64, mark: PrefixLife? = nil, canBeMarked: Bool = true,
    _ body: (inout SHA256) -> Void
  ) {
    mix(body)
    tokens += count
    boundaries.append(
      Boundary(
        key: PrefixKey(digest), tokens: tokens, place: boundaries.count, canBeMarked: canBeMarked,
        mark: mark))
  }

  /// The caller has left it to the provider to mark the end.
  mutating func markLast(_ life: PrefixLife) {
    guard let last = boundaries.indices.last else { return }
    boundaries[last].mark = boundaries[last].mark ?? life
  }

  /// By the rule of thumb for English.
  static func tokens(ofTextBytes count: Int) -> Int64 { Int64(count / 4) }

  /// A page of a document is some 50 KB and some 2,000 tokens.
  static func tokens(ofDocumentBytes count: Int) -> Int64 { Int64(max(2_000, count / 25)) }

  /// Of a document of ours: by its pages, where somebody has counted them.
  static func tokens(of document: ModelCall.Media) -> Int64 {
    guard let pages = document.pages, pages > 0 else {
      return tokens(ofDocumentBytes: document.byteCount)
    }
    return min(pages, 10_000) * 2_000
  }

  static let pictureTokens: Int64 = 1_600
}
