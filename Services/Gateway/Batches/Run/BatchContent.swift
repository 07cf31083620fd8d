import GatewayPipeline
import GatewayProviders
import GatewayValues
import LedgerFile

/// The requests of a batch, read: what is held for each, and what is sent of it.
struct BatchContent: Sendable {
  let dialect: Dialect
  let caller: Caller
  let way: BatchWay
  private(set) var orders: [AttemptOrder] = []
  private(set) var hashes: [[UInt8]] = []
  private(set) var customIDs: [String] = []
  private(set) var calls: [BatchItem.Call?] = []
  private var bodies: [[UInt8]] = []
  var metadata: [UInt8] = []
  var inputFile = ""
  var headers: [BatchRecord.HeaderLine] = []

  init(dialect: Dialect, caller: Caller, way: BatchWay) {
    self.dialect = dialect
    self.caller = caller
    self.way = way
  }

  mutating func add(_ read: BatchedCall, customID: String, call: BatchItem.Call? = nil) {
    orders.append(read.order)
    hashes.append(read.hash)
    customIDs.append(customID)
    calls.append(call)
    bodies.append(read.body)
  }

  /// Of calls that were gathered here, and not of a caller's own batch.
  var isGathered: Bool { calls.contains { $0 != nil } }

  /// What is sent, every request under its key; the bodies themselves are let go.
  mutating func takeBody(of id: String) -> [UInt8] {
    var body = BatchBody(dialect)
    for (number, bytes) in bodies.enumerated() {
      body.add(BatchRecord.key(id, number), bytes)
    }
    bodies = []
    return body.bytes()
  }
}
