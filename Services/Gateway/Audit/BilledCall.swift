package import Faults
package import GatewayValues
import JSON
import Machine

/// One call as a provider bills it: a line of JSON in the simulator's bill.
///
/// `{"request_id":"req_1","call_key":"k","usage":{"input":10,"output":5},"cost_nanos":1234}`, with
/// `cache_read`, `cache_write` or `cache_write_5m`, `cache_write_1h`, `reasoning` and
/// `web_searches` in the usage where they are not 0. `call_key` is what the request's header said.
/// One of a provider's batch says `"batch":true` and has its custom id for a call key.
/// A stream has a line when it starts and another when it has ended: the later one of a request
/// holds.
package struct BilledCall: Hashable, Sendable {
  package var requestID: String
  package var callKey: String
  package var usage: TokenUsage
  package var cost: NanoDollars
  package var isBatched = false

  package init(requestID: String, callKey: String, usage: TokenUsage, cost: NanoDollars) {
    self.requestID = requestID
    self.callKey = callKey
    self.usage = usage
    self.cost = cost
  }

  /// A bill that is read whole.
  package static let billBytesMax = 1 << 30

  /// nil when the line does not say what it has to.
  package init?(line: String) {
    guard let value = try? JSONValue(parsing: line), let object = value.objectValue,
      let request = object["request_id"]?.stringValue,
      let kinds = object["usage"]?.objectValue,
      let cost = object["cost_nanos"]?.numberValue?.int64
    else { return nil }
    func count(_ key: String) -> Int64 { kinds[key]?.numberValue?.int64 ?? 0 }
    requestID = request
    callKey = object["call_key"]?.stringValue ?? ""
    self.cost = NanoDollars(cost)
    isBatched = object["batch"] == true
    usage = TokenUsage(
      freshInput: count("input"), cacheRead: count("cache_read"),
      cacheWriteShort: count("cache_write") &+ count("cache_write_5m"),
      cacheWriteLong: count("cache_write_1h"),
      output: count("output"), reasoning: count("reasoning"), webSearches: count("web_searches"))
    guard usage.isCredible, cost >= 0 else { return nil }
  }

  /// The bill in a file.
  package static func read(_ path: String) throws(Fault) -> [BilledCall] {
    do {
      return try parse(Files.read(path, bytesMax: billBytesMax), from: path)
    } catch let error as MachineError {
      throw Fault(
        .notFound, reason: "BILL_UNREADABLE", "The bill \(path) cannot be read.",
        hint: "Name a file of one call a line, or the address of a simulator.",
        facts: ["path": path], cause: error.description)
    } catch {
      throw Fault(describing: error)
    }
  }

  /// A bill's text; a line that cannot be read is refused, since a bill is believed whole.
  package static func parse(_ bytes: [UInt8], from place: String) throws(Fault) -> [BilledCall] {
    var calls: [BilledCall] = []
    var places: [String: Int] = [:]
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      guard let call = BilledCall(line: String(decoding: line, as: UTF8.self)) else {
        throw Fault(
          .invalidArgument, reason: "BILL_UNREADABLE", "Line \(index + 1) of \(place) is no call.",
          facts: ["path": place, "line": String(index + 1)])
      }
      if let place = places[call.requestID] {
        calls[place] = call
      } else {
        places[call.requestID] = calls.count
        calls.append(call)
      }
    }
    return calls
  }
}
