/// Bounds on what one call may bring or take.
package enum StoreLimits {
  /// Of any id, key, name or hash.
  package static let idBytesMax = 255
  package static let specBytesMax = 4 << 20
  package static let outcomeBytesMax = 3 << 20
  package static let payloadBytesMax = 256 << 10
  package static let factsPerCommitMax = 2048
  package static let unitsPerCommitMax = 1024
  package static let stagesMax: UInt32 = 256
  package static let lookupKeysMax = 4096
  package static let pageMax = 1000
  package static let pageDefault = 100
  package static let labelsPerCallMax = 1000
  package static let reasoningBytesMax = 64 << 10
  package static let detailBytesMax = 256 << 10
  package static let noteBytesMax = 4 << 10
  package static let rubricBytesMax = 768 << 10
  package static let flagsMax = 32
  /// Names in one value of labels.
  package static let labelsMax = 256
  package static let callKeysMax = 256
  /// Of tokens and nano-dollars in one usage: a million dollars.
  package static let countMax: Int64 = 1_000_000_000_000_000
  package static let eventsPerMessageMax = 256
  /// Of the events of one message, as stored.
  package static let eventsPerMessageBytesMax = 1 << 20
  /// Of the rows of one page, roughly; a page always has one row.
  package static let pageBytesMax = 3 << 20
  /// Of an answer that has no pages.
  package static let answerBytesMax = 12 << 20
  /// Orders that wait for the writer; more are refused with RESOURCE_EXHAUSTED.
  package static let ordersWaitingMax = 4096
  /// Of one transaction.
  package static let ordersPerGroupMax = 512
}
