import JSON

extension Dialect {
  /// Writes a call as this dialect's request, members in one order for ever: what is stable
  /// stands before what varies, so that a provider's cache of prefixes can serve it.
  package func write(
    _ call: ModelCall, model: String, schemaWay: SchemaWay = .native, isStream: Bool = false
  ) throws(RequestProblem) -> RequestBody {
    var call = call
    if schemaWay == .tool { try call.askThroughTool() }
    let writer =
      switch self {
      case .anthropicMessages: try AnthropicWriter.write(call, model, isStream)
      case .openAIChat: try ChatWriter.write(call, model, isStream)
      case .openAIResponses: try ResponsesWriter.write(call, model, isStream)
      }
    return writer.finish()
  }
}

extension ModelCall {
  /// The tool whose arguments are the answer, where a provider knows schemas of tools only.
  package static let answerTool = "answer"

  /// Turns a schema that is asked for into a tool that must be called with it.
  fileprivate mutating func askThroughTool() throws(RequestProblem) {
    let schema: JSONValue
    switch output {
    case .text: return
    case .object: schema = ["type": "object"]
    case .schema(_, let asked): schema = asked
    }
    guard tools.isEmpty else { throw RequestProblem(.unsupported, "output") }
    tools = [
      Tool(name: Self.answerTool, description: "Give the answer with this tool.", schema: schema)
    ]
    toolChoice = .named(Self.answerTool)
    output = .text
  }

  var systemBlocks: [Block] { blocks.filter { $0.role == .system } }

  /// What is said in turn: blocks of one role next to each other are one message.
  var turns: [(role: Role, blocks: ArraySlice<Block>)] {
    let said = blocks.filter { $0.role != .system }
    var turns: [(role: Role, blocks: ArraySlice<Block>)] = []
    var start = said.startIndex
    for place in said.indices where place > start && said[place].role != said[start].role {
      turns.append((said[start].role, said[start..<place]))
      start = place
    }
    if start < said.endIndex { turns.append((said[start].role, said[start...])) }
    return turns
  }

  /// Members that would be there twice are the caller's mistake: which one holds, nobody knows.
  func writeExtra(
    _ writer: inout BodyWriter, own: Set<String>
  ) throws(RequestProblem) {
    for (key, value) in extra {
      guard !own.contains(key) else { throw RequestProblem(.unsupported, "provider_extra.\(key)") }
      writer.member(key, value)
    }
  }
}
