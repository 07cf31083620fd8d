package import JSON

/// One call as the log has it: what a checker of rate limits and concurrency looks at.
package struct CallRecord: Sendable {
  package var number: Int
  /// Nanoseconds since the simulator started.
  package var arrival: UInt64
  package var finished: UInt64?
  package var requestID: String
  package var path: String
  package var key: String
  package var model = ""
  /// Calls under way when it arrived, without it.
  package var inFlight: Int
  /// 0 as long as nothing was answered.
  package var status = 0
  package var isStream = false
  package var fault: FaultName?
  package var usage: TokenUsage?

  package init(
    number: Int, arrival: UInt64, requestID: String, path: String, key: String, inFlight: Int
  ) {
    self.number = number
    self.arrival = arrival
    self.requestID = requestID
    self.path = path
    self.key = key
    self.inFlight = inFlight
  }

  package func write(to writer: inout JSONWriter) {
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
    writer.field("fault", fault?.rawValue)
    writer.key("usage")
    if let usage { usage.write(to: &writer) } else { writer.null() }
    writer.endObject()
  }
}
