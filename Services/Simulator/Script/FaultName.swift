// SimulatorScript: what is to go wrong on purpose, by name, for whom and how often; and how long
// answers take. Values only: it bends answers, and says what the service is to do to a
// connection. It never decides what is true: bills and caches know nothing of it.
// Limits: `ScriptLimits`.

/// Bounds of one script.
package enum ScriptLimits {
  package static let rulesMax = 1000
}

/// Everything that can go wrong on purpose, by name.
package enum FaultName: String, Sendable, CaseIterable {
  // MARK: refusal
  /// 429 without a word about when to come back.
  case rateLimit = "rate-limit"
  /// 429 with retry-after in whole seconds (seconds).
  case rateLimitSeconds = "rate-limit-seconds"
  /// 429 with retry-after as a fraction of seconds (seconds).
  case rateLimitFloat = "rate-limit-float"
  /// 429 with retry-after as an HTTP date (seconds).
  case rateLimitDate = "rate-limit-date"
  /// 429 with retry-after-ms, and retry-after rounded up (seconds).
  case rateLimitMs = "rate-limit-ms"
  /// 429 with a retry-after that nobody can read.
  case rateLimitJunk = "rate-limit-junk"
  /// 429 with the reset headers of the dialect alone (seconds).
  case rateLimitReset = "rate-limit-reset"
  /// 429 of the provider's spend cap: no retry will help.
  case spendLimit = "spend-limit"
  /// 400 of a spend limit that the customer has set.
  case usageLimit = "usage-limit"
  /// 429 insufficient_quota of an account without credit.
  case insufficientQuota = "insufficient-quota"
  /// 429 slow_down of traffic that grew too fast.
  case slowDown = "slow-down"
  /// Any status (status), in the dialect's error shape.
  case status
  /// 400 invalid_request_error.
  case badRequest = "bad-request"
  /// 401, as a wrong key gets.
  case unauthorized
  /// 402 billing_error.
  case billing
  /// 403 permission_error.
  case forbidden
  /// 404 not_found_error.
  case notFound = "not-found"
  /// 409 conflict_error.
  case conflict
  /// 413 request_too_large.
  case tooLarge = "too-large"
  /// 500 api_error.
  case serverError = "server-error"
  /// 502 with the HTML page of a proxy.
  case badGateway = "bad-gateway"
  /// 503 without a body.
  case unavailable
  /// 504 timeout_error.
  case timeout
  /// 529 overloaded_error; 503 from OpenAI.
  case overloaded
  /// 500 with JSON of another shape.
  case errorJunk = "error-junk"
  /// 302 to the metadata service of a cloud.
  case redirect
  // MARK: connection
  /// The request is read, and nothing follows.
  case neverAnswers = "never-answers"
  /// The connection is closed without an answer.
  case close
  /// The connection is reset without an answer.
  case reset
  /// The server stops writing without an answer, and goes on reading.
  case halfClose = "half-close"
  /// An answer that does not begin as HTTP does.
  case badStatusLine = "bad-status-line"
  /// Headers without end, up to 16 MiB.
  case headerFlood = "header-flood"
  /// 100 Continue a thousand times, and no answer.
  case continueFlood = "continue-flood"
  // MARK: body
  /// The head of an answer, and nothing follows.
  case headOnly = "head-only"
  /// Content-Length says more than comes before the close.
  case lengthTooLong = "length-too-long"
  /// Content-Length says less than comes.
  case lengthTooShort = "length-too-short"
  /// Two Content-Length headers that differ.
  case duplicateLength = "duplicate-length"
  /// A chunk whose size is no number.
  case badChunk = "bad-chunk"
  /// Chunks without the last, then the close.
  case noLastChunk = "no-last-chunk"
  /// One byte at a time (delay_ms).
  case slowDrip = "slow-drip"
  /// The close in the middle of the body.
  case bodyCut = "body-cut"
  /// A reset in the middle of the body.
  case bodyReset = "body-reset"
  /// A body of gzip that nobody asked for, 100 MiB when unpacked (bytes).
  case gzipBomb = "gzip-bomb"
  /// White space without end in front of the body, 100 MB (bytes).
  case hugeBody = "huge-body"
  /// Bytes in the body that are not UTF-8.
  case invalidUtf8 = "invalid-utf8"
  /// 200 with bytes that are no JSON.
  case garbage
  /// 200 with half of the JSON, at its full Content-Length.
  case jsonCut = "json-cut"
  /// 200 with nothing in it.
  case emptyBody = "empty-body"
  /// 200 with the page of a captive portal.
  case html
  /// A second answer behind the first, for nobody.
  case extraAnswer = "extra-answer"
  // MARK: stream
  /// An error event (api_error) after some deltas (after).
  case streamError = "stream-error"
  /// An error event (overloaded_error) after some deltas (after).
  case streamOverloaded = "stream-overloaded"
  /// A clean end of the body after some deltas (after).
  case streamTruncated = "stream-truncated"
  /// The close after some deltas (after).
  case streamCut = "stream-cut"
  /// A reset after some deltas (after).
  case streamReset = "stream-reset"
  /// The server stops writing after some deltas, and goes on reading (after).
  case streamHalfClose = "stream-half-close"
  /// Nothing more after some deltas (after).
  case streamStall = "stream-stall"
  /// Deltas without end (delay_ms).
  case streamEndless = "stream-endless"
  /// A thousand pings between two deltas.
  case streamPings = "stream-pings"
  /// Events and fields that nobody knows, and comments, between deltas.
  case streamUnknownEvents = "stream-unknown-events"
  /// Each delta twice.
  case streamDuplicateDelta = "stream-duplicate-delta"
  /// Two deltas in the wrong order.
  case streamSwappedDeltas = "stream-swapped-deltas"
  /// One line of 100 MB (bytes).
  case streamLongLine = "stream-long-line"
  /// An event whose data is no JSON, after some deltas (after).
  case streamGarbage = "stream-garbage"
  /// All deltas, and none of the events that end a stream.
  case streamNoEnd = "stream-no-end"
  // MARK: answer
  /// The model refuses; HTTP says 200.
  case refusal
  /// The answer ends at a token (after), as a limit does.
  case maxTokens = "max-tokens"
  /// An answer with nothing in it.
  case emptyContent = "empty-content"
  /// The JSON in a fence of Markdown.
  case fenced
  /// The JSON with prose around it.
  case prosed
  /// The JSON with single quotes.
  case singleQuoted = "single-quoted"
  /// Prose instead of JSON.
  case notJson = "not-json"
  /// An apology for one of the items instead of JSON.
  case poison
  /// NaN in place of a number.
  case nan
  /// A number far out of range.
  case outOfRange = "out-of-range"
  /// Keys that the schema does not know.
  case extraKeys = "extra-keys"
  /// A key that the schema asks for is not there.
  case missingKeys = "missing-keys"
  /// Numbers as text.
  case wrongTypes = "wrong-types"
  /// The words of an enum in upper case.
  case enumCase = "enum-case"
  /// A key twice in an object.
  case duplicateKeys = "duplicate-keys"
  /// An answer nested 10,000 deep.
  case deep
  /// One item is not answered.
  case dropItem = "drop-item"
  /// One item is answered twice.
  case duplicateItem = "duplicate-item"
  /// An item is answered that nobody asked about.
  case extraItem = "extra-item"
  /// Each answer stands under the id of the item before it.
  case shiftItems = "shift-items"
  /// Two items have each other's answers.
  case swapItems = "swap-items"
  /// Ids are 1, 2, 3 whatever they were.
  case renumberItems = "renumber-items"
  /// No item is answered.
  case emptyItems = "empty-items"
  /// The answer says that it comes from another model (text).
  case wrongModel = "wrong-model"
  // MARK: usage
  /// No word about usage.
  case usageMissing = "usage-missing"
  /// Usage of zero tokens.
  case usageZero = "usage-zero"
  /// Usage of 2^63 tokens.
  case usageAbsurd = "usage-absurd"
  /// The end of the answer says half of the usage that was true at its start.
  case usageShrinking = "usage-shrinking"
  // MARK: timing
  /// The answer comes later (delay_ms).
  case delay

  /// At which point of a call it strikes.
  package enum Stage: String, Sendable {
    /// An error status instead of an answer; nothing is billed.
    case refusal
    /// Below HTTP, before an answer; billed only when the rule says `billed`.
    case connection
    /// The bytes of the answer, whether it streams or not.
    case body
    /// The events of a stream; calls that do not stream are left alone.
    case stream
    /// What the model says.
    case answer
    /// What the provider says it used; the bill stays true.
    case usage
    /// When the answer comes.
    case timing
  }
}

extension FaultName {
  package var stage: Stage { Self.table[self]?.stage ?? .timing }
  /// A line for people: what happens, and which options it takes.
  package var explanation: String { Self.table[self]?.line ?? "" }

  private static let table: [FaultName: (stage: Stage, line: String)] = [
    .rateLimit: (.refusal, "429 without a word about when to come back"),
    .rateLimitSeconds: (.refusal, "429 with retry-after in whole seconds (seconds)"),
    .rateLimitFloat: (.refusal, "429 with retry-after as a fraction of seconds (seconds)"),
    .rateLimitDate: (.refusal, "429 with retry-after as an HTTP date (seconds)"),
    .rateLimitMs: (.refusal, "429 with retry-after-ms, and retry-after rounded up (seconds)"),
    .rateLimitJunk: (.refusal, "429 with a retry-after that nobody can read"),
    .rateLimitReset: (.refusal, "429 with the reset headers of the dialect alone (seconds)"),
    .spendLimit: (.refusal, "429 of the provider's spend cap: no retry will help"),
    .usageLimit: (.refusal, "400 of a spend limit that the customer has set"),
    .insufficientQuota: (.refusal, "429 insufficient_quota of an account without credit"),
    .slowDown: (.refusal, "429 slow_down of traffic that grew too fast"),
    .status: (.refusal, "any status (status), in the dialect's error shape"),
    .badRequest: (.refusal, "400 invalid_request_error"),
    .unauthorized: (.refusal, "401, as a wrong key gets"),
    .billing: (.refusal, "402 billing_error"),
    .forbidden: (.refusal, "403 permission_error"),
    .notFound: (.refusal, "404 not_found_error"),
    .conflict: (.refusal, "409 conflict_error"),
    .tooLarge: (.refusal, "413 request_too_large"),
    .serverError: (.refusal, "500 api_error"),
    .badGateway: (.refusal, "502 with the HTML page of a proxy"),
    .unavailable: (.refusal, "503 without a body"),
    .timeout: (.refusal, "504 timeout_error"),
    .overloaded: (.refusal, "529 overloaded_error; 503 from OpenAI"),
    .errorJunk: (.refusal, "500 with JSON of another shape"),
    .redirect: (.refusal, "302 to the metadata service of a cloud"),
    .neverAnswers: (.connection, "the request is read, and nothing follows"),
    .close: (.connection, "the connection is closed without an answer"),
    .reset: (.connection, "the connection is reset without an answer"),
    .halfClose: (.connection, "the server stops writing without an answer, and goes on reading"),
    .badStatusLine: (.connection, "an answer that does not begin as HTTP does"),
    .headerFlood: (.connection, "headers without end, up to 16 MiB"),
    .continueFlood: (.connection, "100 Continue a thousand times, and no answer"),
    .headOnly: (.body, "the head of an answer, and nothing follows"),
    .lengthTooLong: (.body, "Content-Length says more than comes before the close"),
    .lengthTooShort: (.body, "Content-Length says less than comes"),
    .duplicateLength: (.body, "two Content-Length headers that differ"),
    .badChunk: (.body, "a chunk whose size is no number"),
    .noLastChunk: (.body, "chunks without the last, then the close"),
    .slowDrip: (.body, "one byte at a time (delay_ms)"),
    .bodyCut: (.body, "the close in the middle of the body"),
    .bodyReset: (.body, "a reset in the middle of the body"),
    .gzipBomb: (.body, "a body of gzip that nobody asked for, 100 MiB when unpacked (bytes)"),
    .hugeBody: (.body, "white space without end in front of the body, 100 MB (bytes)"),
    .invalidUtf8: (.body, "bytes in the body that are not UTF-8"),
    .garbage: (.body, "200 with bytes that are no JSON"),
    .jsonCut: (.body, "200 with half of the JSON, at its full Content-Length"),
    .emptyBody: (.body, "200 with nothing in it"),
    .html: (.body, "200 with the page of a captive portal"),
    .extraAnswer: (.body, "a second answer behind the first, for nobody"),
    .streamError: (.stream, "an error event (api_error) after some deltas (after)"),
    .streamOverloaded: (.stream, "an error event (overloaded_error) after some deltas (after)"),
    .streamTruncated: (.stream, "a clean end of the body after some deltas (after)"),
    .streamCut: (.stream, "the close after some deltas (after)"),
    .streamReset: (.stream, "a reset after some deltas (after)"),
    .streamHalfClose: (.stream, "no more writes after some deltas, reading goes on (after)"),
    .streamStall: (.stream, "nothing more after some deltas (after)"),
    .streamEndless: (.stream, "deltas without end (delay_ms)"),
    .streamPings: (.stream, "a thousand pings between two deltas"),
    .streamUnknownEvents: (.stream, "unknown events and comments between deltas"),
    .streamDuplicateDelta: (.stream, "each delta twice"),
    .streamSwappedDeltas: (.stream, "two deltas in the wrong order"),
    .streamLongLine: (.stream, "one line of 100 MB (bytes)"),
    .streamGarbage: (.stream, "an event whose data is no JSON, after some deltas (after)"),
    .streamNoEnd: (.stream, "all deltas, and none of the events that end a stream"),
    .refusal: (.answer, "the model refuses; HTTP says 200"),
    .maxTokens: (.answer, "the answer ends at a token, as a limit does (after)"),
    .emptyContent: (.answer, "an answer with nothing in it"),
    .fenced: (.answer, "the JSON in a fence of Markdown"),
    .prosed: (.answer, "the JSON with prose around it"),
    .singleQuoted: (.answer, "the JSON with single quotes"),
    .notJson: (.answer, "prose instead of JSON"),
    .poison: (.answer, "an apology for one of the items instead of JSON"),
    .nan: (.answer, "NaN in place of a number"),
    .outOfRange: (.answer, "a number far out of range"),
    .extraKeys: (.answer, "keys that the schema does not know"),
    .missingKeys: (.answer, "a key that the schema asks for is not there"),
    .wrongTypes: (.answer, "numbers as text"),
    .enumCase: (.answer, "the words of an enum in upper case"),
    .duplicateKeys: (.answer, "a key twice in an object"),
    .deep: (.answer, "an answer nested 10,000 deep"),
    .dropItem: (.answer, "one item is not answered"),
    .duplicateItem: (.answer, "one item is answered twice"),
    .extraItem: (.answer, "an item is answered that nobody asked about"),
    .shiftItems: (.answer, "each answer stands under the id of the item before it"),
    .swapItems: (.answer, "two items have each other's answers"),
    .renumberItems: (.answer, "ids are 1, 2, 3 whatever they were"),
    .emptyItems: (.answer, "no item is answered"),
    .wrongModel: (.answer, "the answer says that it comes from another model (text)"),
    .usageMissing: (.usage, "no word about usage"),
    .usageZero: (.usage, "usage of zero tokens"),
    .usageAbsurd: (.usage, "usage of 2^63 tokens"),
    .usageShrinking: (.usage, "the end of the answer says half of the true usage"),
    .delay: (.timing, "the answer comes later (delay_ms)"),
  ]
}
