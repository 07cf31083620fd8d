import Faults
import GatewayBatches
import GatewayProviders
import GatewayValues
import JSON
import LedgerFile
import Testing

/// What callers hand in, what providers are sent, and what they answer.
@Suite struct BatchReadingTests {
  private func fault(_ body: () throws(Fault) -> BatchReading) -> Fault? {
    do throws(Fault) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  @Test func `bodies come out as they went in`() throws {
    let params = #"{ "model":"m",  "max_tokens":1.0e1, "messages":[] }"#
    let text =
      #"{"requests":[{"params":\#(params),"custom_id":"a"},{"custom_id":"b","params":{}}]}"#
    let reading = try BatchReading.messages(Array(text.utf8))
    #expect(reading.requests.map(\.customID) == ["a", "b"])
    #expect(String(decoding: reading.requests[0].body, as: UTF8.self) == params)
    var body = BatchBody(.anthropicMessages)
    for (index, request) in reading.requests.enumerated() {
      body.add("k-\(index)", request.body)
    }
    let sent = String(decoding: body.bytes(), as: UTF8.self)
    #expect(
      sent == #"{"requests":[{"custom_id":"k-0","params":\#(params)},"#
        + #"{"custom_id":"k-1","params":{}}]}"#)
  }

  @Test(arguments: [
    (#"[]"#, "requests"), (#"{"requests":[]}"#, "requests"), (#"{"requests":7}"#, "requests"),
    (#"{"requests":[{"params":{}}]}"#, "requests.0.custom_id"),
    (#"{"requests":[{"custom_id":"ä","params":{}}]}"#, "requests.0.custom_id"),
    (#"{"requests":[{"custom_id":"a"}]}"#, "requests.0.params"),
    (#"{"requests":[{"custom_id":"a","params":[]}]}"#, "requests.0.params"),
    (
      #"{"requests":[{"custom_id":"a","params":{}},{"custom_id":"a","params":{}}]}"#, "custom_id"
    ), ("{", ""),
  ])
  func `what is wrong is named`(text: String, field: String) throws {
    let found = try #require(fault { () throws(Fault) in try .messages(Array(text.utf8)) })
    #expect(found.code == .invalidArgument && found.violations.first?.field == field, "\(found)")
  }

  @Test func `a file's lines are read, and its wrong one is told by its number`() throws {
    let good = #"{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"m"}}"#
    let other = good.replacingOnce(#""a""#, #""b""#)
    let file = Array("\(good)\r\n\n\(other)".utf8)
    let reading = try BatchReading.lines(file, of: .openAIResponses)
    #expect(reading.requests.map(\.customID) == ["a", "b"])
    for wrong in [
      "no JSON", #"{"custom_id":7}"#, other.replacingOnce("POST", "GET"),
      other.replacingOnce("responses", "chat/completions"), good,
      other.replacingOnce(#"{"model":"m"}"#, "3"), other.replacingOnce(#""b""#, #""""#),
    ] {
      let text = Array("\(good)\n\n\(wrong)\n".utf8)
      let found = try #require(
        fault { () throws(Fault) in try .lines(text, of: .openAIResponses) }, "\(wrong)")
      #expect(found.message.lowercased().contains("line 3"), "\(found)")
    }
    #expect(fault { () throws(Fault) in try .lines([], of: .openAIChat) } != nil)
  }

  @Test func `a body over several lines becomes one`() throws {
    var body = BatchBody(.openAIChat)
    body.add("k-0", Array("{\n\"model\":\r\n\"m\"}".utf8))
    let sent = body.bytes()
    #expect(sent.filter { $0 == 0x0A }.count == 1 && sent.last == 0x0A)
    let line = try JSONValue(parsing: sent)
    #expect(line["body"] == ["model": "m"] && line["url"] == "/v1/chat/completions")
  }

  @Test func `more requests than may be are refused`() throws {
    let entries = (0...BatchLimits.requestsMax).map { #"{"custom_id":"c\#($0)","params":{}}"# }
    let text = #"{"requests":[\#(entries.joined(separator: ","))]}"#
    let found = try #require(fault { () throws(Fault) in try .messages(Array(text.utf8)) })
    #expect(found.reason == "REQUEST_TOO_LARGE")
  }

  // MARK: - Results

  private func result(_ text: String, _ dialect: Dialect) -> BatchResult? {
    BatchResult(line: Array(text.utf8), of: dialect)
  }

  @Test func `an answer is paid with its usage, under its caller's name`() throws {
    let text = #"""
      {"custom_id":"k-0", "result":{"type":"succeeded","message":{"id":"msg_1","type":"message",
      "role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],
      "stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":3}}}}
      """#.replacingLineEnds()
    let found = try #require(result(text, .anthropicMessages))
    #expect(found.key == "k-0" && found.outcome == .succeeded)
    #expect(found.settlement?.amount == .used(TokenUsage(freshInput: 7, output: 3)))
    #expect(found.settlement?.providerRequestID == "msg_1")
    let line = String(decoding: found.line(for: "mine \"x\""), as: UTF8.self)
    #expect(line == text.replacingOnce(#""k-0""#, #""mine \"x\"""#) + "\n")
  }

  @Test func `an answer without a usage is paid at its bound`() throws {
    let text = #"{"custom_id":"k","result":{"type":"succeeded","message":{"type":"message"}}}"#
    #expect(result(text, .anthropicMessages)?.settlement?.amount == .bound)
    let odd = #"{"custom_id":"k","response":{"status_code":200,"body":7}}"#
    #expect(result(odd, .openAIChat)?.settlement?.amount == .bound)
  }

  @Test(arguments: [
    (#"{"custom_id":"k","result":{"type":"errored","error":{}}}"#, BatchOutcome.errored),
    (#"{"custom_id":"k","result":{"type":"canceled"}}"#, .canceled),
    (#"{"custom_id":"k","result":{"type":"expired"}}"#, .expired),
  ])
  func `what was not answered is not paid`(text: String, outcome: BatchOutcome) {
    #expect(result(text, .anthropicMessages)?.outcome == outcome)
    #expect(result(text, .anthropicMessages)?.settlement == nil)
  }

  @Test func `OpenAI's errors are told apart`() {
    let failed = #"{"custom_id":"k","response":{"status_code":400,"body":{}},"error":null}"#
    #expect(result(failed, .openAIChat)?.outcome == .errored)
    #expect(result(failed, .openAIChat)?.settlement == nil)
    let expired = #"{"custom_id":"k","response":null,"error":{"code":"batch_expired"}}"#
    #expect(result(expired, .openAIChat)?.outcome == .expired)
  }

  @Test func `what is no result is none`() {
    for text in ["", "7", "{}", #"{"custom_id":7}"#, #"{"custom_id":"k","result":{"type":"x"}}"#] {
      #expect(result(text, .anthropicMessages) == nil)
    }
  }

  @Test func `a request without a word gets a line that its client can read`() throws {
    for dialect in Dialect.allCases {
      for outcome in BatchOutcome.allCases {
        let line = BatchResult.line("mine", outcome, of: dialect)
        guard outcome != .waiting, outcome != .succeeded else {
          #expect(line == nil)
          continue
        }
        let value = try JSONValue(parsing: try #require(line))
        #expect(value["custom_id"] == "mine")
        let found = try #require(BatchResult(line: value.bytes(), of: dialect))
        #expect(found.outcome == (outcome == .lost ? .errored : outcome))
      }
    }
  }
}

extension String {
  fileprivate func replacingOnce(_ old: String, _ new: String) -> String {
    guard let range = firstRange(of: old) else { return self }
    return replacingCharacters(in: range, with: new)
  }

  private func replacingCharacters(in range: Range<String.Index>, with new: String) -> String {
    String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
  }

  fileprivate func replacingLineEnds() -> String { split(separator: "\n").joined() }
}
