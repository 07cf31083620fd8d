import GatewayPrompts
import GatewayProviders
import JSON
import JSONText
import Testing

/// Requests read for their prefixes, and marked without another byte changed.
@Suite struct PromptOutlineTests {
  private func outline(_ text: String) throws -> PromptOutline {
    PromptOutline(messages: try JSONText(checking: Array(text.utf8)), model: "m")
  }

  private func marked(_ text: String, _ marks: [Int: PrefixLife]) throws -> String {
    var edits = JSONEdits(of: try JSONText(checking: Array(text.utf8)))
    try edits.mark(marks)
    return String(decoding: try edits.bytes(), as: UTF8.self)
  }

  @Test func `prefixes are equal as far as requests are, however they are written`() throws {
    let one = try outline(
      #"{"system":"rules","messages":[{"role":"user","content":[{"type":"text""#
        + #","text":"doc"},{"type":"text","text":"a"}]}]}"#
    )
    let two = try outline(
      #"{"messages":[{"content":[{"text":"d\u006fc","type":"text"},{"type":"te"#
        + #"xt","text":"b"}],"role":"user"}],"system":[{"type":"text","text":"rule"#
        + #"s"}], "max_tokens":5}"#
    )
    #expect(one.boundaries.count == 3 && two.boundaries.count == 3)
    #expect(one.boundaries[0].key == two.boundaries[0].key)
    #expect(one.boundaries[1].key == two.boundaries[1].key)
    #expect(one.boundaries[2].key != two.boundaries[2].key)
  }

  @Test(arguments: [
    (#""tools":[{"name":"t","input_schema":{}}],"#, 0), (#""tool_choice":{"type":"any"},"#, 1),
    (#""output_config":{"format":{"type":"json_schema"}},"#, 0), (#""temperature":1,"#, 2),
  ])
  func `what breaks a provider's prefix breaks ours`(member: String, equal: Int) throws {
    let rest = #""system":"s","messages":[{"role":"user","content":"x"}]}"#
    let plain = try outline("{" + rest).boundaries.map(\.key)
    let other = try outline("{" + member + rest).boundaries.map(\.key).suffix(2)
    #expect(zip(plain, other).filter { $0 == $1 }.count == equal)
  }

  @Test func `a mark goes beside the words, which stay as they are`() throws {
    let body =
      #"{"b":1, "system": "r\u00fcles", "messages":[{"role":"user","content":["#
      + #"{"type":"text", "text":"doc"},{"type":"text","text":"a"}]}] ,"a":2}"#
    #expect(try marked(body, [:]) == body)
    #expect(
      try marked(body, [1: .short])
        == #"{"b":1, "system": "r\u00fcles", "messages":[{"role":"user","content":["#
        + #"{"type":"text", "text":"doc","cache_control":{"type":"ephemeral"}},{"t"#
        + #"ype":"text","text":"a"}]}] ,"a":2}"#
    )
    #expect(
      try marked(body, [0: .long])
        == #"{"b":1, "system": [{"type":"text","text":"r\u00fcles","cache_control":"#
        + #"{"type":"ephemeral","ttl":"1h"}}], "messages":[{"role":"user","content"#
        + #"":[{"type":"text", "text":"doc"},{"type":"text","text":"a"}]}] ,"a":2}"#
    )
  }

  @Test func `marks of the caller's are seen, and so are those that they leave to the provider`()
    throws
  {
    let own = try outline(
      #"{"system":[{"type":"text","text":"s","cache_control":{"type":"ephemera"#
        + #"l","ttl":"1h"}}],"messages":[{"role":"user","content":"x"}]}"#
    )
    #expect(own.hasFixedMarks && own.boundaries.map(\.mark) == [.long, nil])
    let automatic = try outline(
      #"{"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"x"}]}"#)
    #expect(automatic.hasFixedMarks && automatic.boundaries.map(\.mark) == [.short])
    let none = try outline(
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":null}]}]}"#
    )
    #expect(!none.hasFixedMarks)
  }

  @Test func `our own calls are marked where the plan says, and nowhere else`() throws {
    var call = ModelCall(
      blocks: [
        .init(.user, .text("document")), .init(.system, .text("rules"), isCacheBreakpoint: true),
        .init(.user, .text("question")),
      ], outputTokensMax: 5)
    let outline = PromptOutline(call, media: [], model: "m")
    #expect(outline.boundaries.map(\.mark) == [.short, nil, nil])
    call.mark([1: .long])
    let body = try Dialect.anthropicMessages.write(call, model: "m")
    guard case .bytes(let bytes)? = body.pieces.first else { return }
    let json = try JSONValue(parsing: bytes)
    #expect(json["system"]?[0]?["cache_control"] == nil)
    #expect(json["messages"]?[0]?["content"]?[0]?["cache_control"]?["ttl"] == "1h")
    #expect(json["messages"]?[0]?["content"]?[1]?["cache_control"] == nil)
  }

  @Test func `a document is a prefix by its bytes' hash, wherever they lie`() {
    func keys(_ hash: [UInt8], pages: Int64? = nil) -> [PrefixKey] {
      let media = ModelCall.Media(
        type: "application/pdf", place: 0, byteCount: 500_000, pages: pages)
      let call = ModelCall(blocks: [.init(.user, .media(media)), .init(.user, .text("question"))])
      let outline = PromptOutline(call, media: [hash], model: "m")
      #expect(outline.boundaries.first?.tokens ?? 0 > (pages ?? 10) * 1_999)
      return outline.boundaries.map(\.key)
    }
    #expect(keys([1]) == keys([1]) && keys([1]) == keys([1], pages: 60))
    #expect(zip(keys([1]), keys([2])).allSatisfy { $0 != $1 })
  }

  @Test func `a key for calls that begin alike is set once, and never over the caller's`() throws {
    var edits = JSONEdits(of: try JSONText(checking: Array(#"{"model":"g","input":"x"}"#.utf8)))
    try edits.setCacheKey("k")
    #expect(
      String(decoding: try edits.bytes(), as: UTF8.self)
        == #"{"model":"g","input":"x","prompt_cache_key":"k"}"#)
    let own = Array(#"{"prompt_cache_key":"mine"}"#.utf8)
    var untouched = JSONEdits(of: try JSONText(checking: own))
    try untouched.setCacheKey("k")
    #expect(untouched.isEmpty)
  }
}
