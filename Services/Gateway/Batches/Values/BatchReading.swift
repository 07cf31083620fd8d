package import Faults
package import GatewayProviders
package import JSON
import JSONText

/// The requests of a batch as they were handed in: their names and their bodies, unread.
package struct BatchReading: Equatable, Sendable {
  package struct Request: Equatable, Sendable {
    package let customID: String
    package let body: [UInt8]
    /// How an error names its body: `requests.3.params`, `line 4: body`.
    package let place: String
  }

  package private(set) var requests: [Request] = []
  private var seen: Set<String> = []

  private init() {}

  package static let limits = JSONLimits(
    bytesMax: BatchLimits.bytesMax, depthMax: 66, valuesMax: BatchLimits.valuesMax)

  package static func read(
    _ bytes: consuming [UInt8], of dialect: Dialect
  ) throws(Fault) -> BatchReading {
    dialect == .anthropicMessages ? try messages(bytes) : try lines(bytes, of: dialect)
  }

  // MARK: - Anthropic

  /// `{"requests":[{"custom_id":…,"params":{…}}]}`.
  package static func messages(_ body: consuming [UInt8]) throws(Fault) -> BatchReading {
    let text: JSONText
    do {
      text = try JSONText(checking: body, limits: limits)
    } catch {
      throw bad("", "The body is not JSON: \(error).")
    }
    guard let list = text["requests"], list.kind == .array, list.count > 0 else {
      throw bad("requests", "requests: field required.")
    }
    var reading = BatchReading()
    for (index, entry) in list.elements.enumerated() {
      let place = "requests.\(index)"
      try reading.checkCount(place)
      guard let id = entry["custom_id"]?.string, isMessagesID(id) else {
        throw bad(
          "\(place).custom_id",
          "\(place).custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'.")
      }
      guard let params = entry["params"], params.kind == .object else {
        throw bad("\(place).params", "\(place).params: field required.")
      }
      try reading.add(id, params, place: "\(place).params")
    }
    return reading
  }

  private static func isMessagesID(_ id: String) -> Bool {
    (1...64).contains(id.utf8.count)
      && id.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  // MARK: - OpenAI

  /// A line each: `{"custom_id":…,"method":"POST","url":…,"body":{…}}`.
  package static func lines(_ file: [UInt8], of dialect: Dialect) throws(Fault) -> BatchReading {
    var reading = BatchReading()
    var start = file.startIndex
    var number = 0
    while start < file.endIndex {
      let end = file[start...].firstIndex(of: 0x0A) ?? file.endIndex
      number += 1
      let line = file[start..<end]
      start = end + 1
      // A last line without its end, a file with CRLF, an empty line between two.
      if line.allSatisfy({ $0 == 0x0D || $0 == 0x20 || $0 == 0x09 }) { continue }
      try reading.take(line, number, dialect)
    }
    guard !reading.requests.isEmpty else { throw badLine(1, "there is no request in the file") }
    return reading
  }

  private mutating func take(
    _ line: ArraySlice<UInt8>, _ number: Int, _ dialect: Dialect
  ) throws(Fault) {
    try checkCount("line \(number)")
    let text: JSONText
    do {
      text = try JSONText(checking: Array(line), limits: Self.limits)
    } catch {
      throw Self.badLine(number, "it is not JSON: \(error)")
    }
    guard let id = text["custom_id"]?.string,
      (1...BatchLimits.customIDBytesMax).contains(id.utf8.count)
    else {
      throw Self.badLine(
        number, "custom_id is no text of 1 to \(BatchLimits.customIDBytesMax) bytes")
    }
    guard text["method"]?.utf8Equals("POST") ?? false else {
      throw Self.badLine(number, "method is not POST")
    }
    guard text["url"]?.utf8Equals(dialect.path) ?? false else {
      throw Self.badLine(number, "url is not \(dialect.path), the batch's endpoint")
    }
    guard let body = text["body"], body.kind == .object else {
      throw Self.badLine(number, "body is no object")
    }
    try add(id, body, place: "line \(number): body")
  }

  // MARK: - Both

  private func checkCount(_ place: String) throws(Fault) {
    guard requests.count < BatchLimits.requestsMax else {
      throw Fault(
        .outOfRange, reason: "REQUEST_TOO_LARGE",
        "\(place): a batch has at most \(BatchLimits.requestsMax) requests (requestsMax).",
        hint: "Make several.")
    }
  }

  private mutating func add(
    _ id: String, _ body: JSONText.Element, place: String
  ) throws(Fault) {
    guard seen.insert(id).inserted else {
      throw Self.bad("custom_id", "\(place): the custom_id was used before.")
    }
    requests.append(Request(customID: id, body: body.bytes, place: place))
  }

  package static func bad(_ field: String, _ message: String) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_REQUEST", message,
      violations: [.init(field: field, description: message)])
  }

  private static func badLine(_ number: Int, _ why: String) -> Fault {
    var fault = bad("input_file_id", "Line \(number) of the file: \(why).")
    fault.facts["line"] = String(number)
    return fault
  }
}
