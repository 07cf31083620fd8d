import JSON

/// One line of the bill: what one call has cost, known before its answer left.
package struct BillLine: Sendable, Equatable {
  /// A stream is billed twice: its input when it starts, all of it when it has ended. The later
  /// line of a request replaces the earlier.
  package enum Phase: String, Sendable { case start, end }

  /// Nanoseconds since 1970.
  package var time: UInt64
  package var requestID: String
  /// The caller's own name for the call (`x-assay-call-key`), and its attempt.
  package var callKey: String?
  package var attempt: String?
  package var key: String
  package var request: PromptRequest
  package var usage: TokenUsage
  package var status: Int
  package var phase = Phase.end
  package var isBatch = false

  package init(
    time: UInt64, requestID: String, callKey: String?, attempt: String?, key: String,
    request: PromptRequest, usage: TokenUsage, status: Int
  ) {
    self.time = time
    self.requestID = requestID
    self.callKey = callKey
    self.attempt = attempt
    self.key = key
    self.request = request
    self.usage = usage
    self.status = status
  }

  package static func == (left: BillLine, right: BillLine) -> Bool { left.bytes == right.bytes }

  /// The line with its newline.
  package var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("time")
    writer.int(time)
    writer.field("request_id", requestID)
    writer.field("call_key", callKey)
    writer.field("attempt", attempt)
    writer.field("key", key)
    writer.field("model", request.model.id)
    writer.field("dialect", request.dialect.rawValue)
    writer.key("usage")
    usage.write(to: &writer)
    writer.field("cost_nanos", usage.cost(request.model.prices, isBatch: isBatch))
    writer.field("status", status)
    writer.field("phase", phase.rawValue)
    writer.key("batch")
    writer.bool(isBatch)
    writer.endObject()
    writer.raw(0x0A)
    return writer.bytes
  }

  /// A bill as it is read: one line a request, the last it has. A line that a crash has cut off
  /// was never followed by an answer, and is left out.
  package static func merged(_ file: [UInt8]) -> [UInt8] {
    var places: [String: Int] = [:]
    var lines: [ArraySlice<UInt8>] = []
    for line in file.split(separator: 0x0A) {
      guard let value = try? JSONValue(parsing: Array(line)),
        let id = value["request_id"]?.stringValue
      else { continue }
      if let place = places[id] {
        lines[place] = line
      } else {
        places[id] = lines.count
        lines.append(line)
      }
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(file.count)
    for line in lines {
      bytes.append(contentsOf: line)
      bytes.append(0x0A)
    }
    return bytes
  }
}
