import JSON
import SimulatorModel

/// The files and batches that are kept; the oldest go when there is no room for more.
struct BatchShelf {
  /// A file as it was uploaded, or as a batch has made it.
  struct StoredFile {
    let name: String
    let purpose: String
    let created: Int
    let bytes: [UInt8]
  }

  /// One request of a batch, before and after.
  struct Item {
    let customID: String
    let body: JSONValue
    /// A line of the results; nil while it waits.
    var result: [UInt8]?
    var outcome = Outcome.waiting
  }

  enum Outcome: String { case waiting, succeeded, errored, canceled, expired }

  /// One batch of either provider.
  struct Batch {
    let id: String
    let dialect: Dialect
    let key: String
    let created: Int
    var items: [Item]
    /// OpenAI's: what it was made from, and what was made of it.
    var inputFile = ""
    var endpoint = ""
    var outputFile: String?
    var errorFile: String?
    var ended: Int?
    var isCanceled = false
    var metadata = JSONValue.null
    /// By the simulator's own clock, which a test may put forward.
    var expires: UInt64 = .max
    var isExpired = false

    func count(_ outcome: Outcome) -> Int { items.count { $0.outcome == outcome } }
  }

  private(set) var files: [String: StoredFile] = [:]
  private(set) var batches: [String: Batch] = [:]
  private var fileOrder: [String] = []
  private var batchOrder: [String] = []

  /// In the order in which they came, the newest first.
  var newestFirst: [Batch] { batchOrder.reversed().compactMap { batches[$0] } }

  mutating func keep(_ file: StoredFile, as id: String) {
    files[id] = file
    fileOrder.append(id)
    guard fileOrder.count > SimulationLimits.filesMax else { return }
    files[fileOrder.removeFirst()] = nil
  }

  mutating func keep(_ batch: Batch) {
    if batches.updateValue(batch, forKey: batch.id) == nil { batchOrder.append(batch.id) }
    guard batchOrder.count > SimulationLimits.filesMax else { return }
    batches[batchOrder.removeFirst()] = nil
  }

  mutating func change(_ id: String, _ body: (inout Batch) -> Void) {
    guard var batch = batches.removeValue(forKey: id) else { return }
    body(&batch)
    batches[id] = batch
  }
}
