import JSON
import SimulatorModel

/// One call as the log has it: what a checker of rate limits and concurrency looks at.
struct CallRecord: Sendable {
  var number: Int
  /// Nanoseconds since the simulator started.
  var arrival: UInt64
  var finished: UInt64?
  var requestID: String
  var path: String
  var key: String
  var model = ""
  /// Calls under way when it arrived, without it.
  var inFlight: Int
  /// 0 as long as nothing was answered.
  var status = 0
  var isStream = false
  var fault: String?
  var usage: TokenUsage?

  init(
    number: Int, arrival: UInt64, requestID: String, path: String, key: String, inFlight: Int
  ) {
    self.number = number
    self.arrival = arrival
    self.requestID = requestID
    self.path = path
    self.key = key
    self.inFlight = inFlight
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("call", number)
    writer.key("arrival_ns")
    writer.int(arrival)
    writer.key("finished_ns")
    if let finished { writer.int(finished) } else { writer.null() }
    writer.field("request_id", requestID)
    writer.field("path", path)
    writer.field("key", key)
    writer.field("model", model)
    writer.field("in_flight", inFlight)
    writer.field("status", status)
    writer.key("stream")
    writer.bool(isStream)
    writer.field("fault", fault)
    writer.key("usage")
    if let usage { usage.write(to: &writer) } else { writer.null() }
    writer.endObject()
  }
}
