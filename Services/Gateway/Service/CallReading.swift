import Digest
import EventLoop
import Faults
import GRPCFormat
import GatewayContract
import GatewayLimits
import GatewayMedia
import GatewayPacing
import GatewayPipeline
import GatewayProviders
import GatewayValues
import JSON
import Protobuf
import RPC

/// A request of the mesh's, as the pipeline takes it.
struct CallReading {
  let call: CallRequest

  static let badKey = Fault(
    .invalidArgument, reason: "BAD_CALL_KEY", "A call key has 1 to 200 printable characters.",
    violations: [.init(field: "call_key", description: "1 to 200 printable characters")])

  /// The product that the call is for, as whoever may call says.
  static func product(of context: ServerContext) throws(Fault) -> GatewayName {
    let text = context.metadata["assay-product"] ?? "default"
    guard let product = GatewayName(text) else {
      throw Fault(
        .invalidArgument, reason: "BAD_PRODUCT", "The metadata assay-product is no product's name.")
    }
    return product
  }

  init(
    _ request: GenerateRequest, _ context: ServerContext, for pipeline: CallPipeline
  ) throws {
    let product = try Self.product(of: context)
    var media = MediaReading(hasBlobs: pipeline.hasBlobs)
    let call = try Self.call(request, &media)
    var facts = CallFacts(model: request.model)
    facts.outputTokensMax = call.outputTokensMax
    Self.measure(request, &facts)
    guard let key = GatewayName("mesh") else { throw Self.badKey }
    let terms = Self.terms(request, context, pipeline.loop.nowNanoseconds)
    var made = CallRequest(
      caller: Caller(product: product, key: key), facts: facts,
      content: .written(call, media: media.items), terms: terms,
      hash: Self.hash(request, media.items, sample: terms.sample))
    if !request.callKey.isEmpty {
      guard let key = CallKey(request.callKey) else { throw Self.badKey }
      made.callKey = key
    }
    if !request.runId.isEmpty {
      guard let run = GatewayName(request.runId) else { throw Self.bad("run_id", "no name") }
      made.run = run
    }
    self.call = made
  }

  static func bad(_ field: String, _ why: String) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_REQUEST", "\(field): \(why).",
      violations: [.init(field: field, description: why)])
  }

  // MARK: - The call

  private static func call(
    _ request: GenerateRequest, _ media: inout MediaReading
  ) throws(Fault) -> ModelCall {
    var blocks: [ModelCall.Block] = []
    for (place, block) in request.blocks.enumerated() {
      blocks += try self.blocks(block, "blocks[\(place)]", &media)
    }
    guard !blocks.isEmpty else { throw bad("blocks", "there is none") }
    var call = ModelCall(blocks: blocks)
    call.outputTokensMax = request.outputTokensMax == 0 ? nil : Int64(request.outputTokensMax)
    call.temperature = request.temperature
    call.stopSequences = request.stopSequences
    for (place, tool) in request.tools.enumerated() {
      call.tools.append(
        ModelCall.Tool(
          name: tool.name, description: tool.description,
          schema: try json(tool.schema, "tools[\(place)].schema")))
    }
    if let choice = request.toolChoice { call.toolChoice = try self.choice(choice) }
    call.output = try output(request.output)
    if !request.providerExtra.isEmpty {
      guard case .object(let extra) = try json(request.providerExtra, "provider_extra") else {
        throw bad("provider_extra", "not an object")
      }
      call.extra = extra
    }
    return call
  }

  private static func blocks(
    _ block: Block, _ field: String, _ media: inout MediaReading
  ) throws(Fault) -> [ModelCall.Block] {
    let role: ModelCall.Role =
      switch block.role {
      case .system: .system
      case .user: .user
      case .assistant: .assistant
      default: throw bad("\(field).role", "neither SYSTEM, USER nor ASSISTANT")
      }
    var made: [ModelCall.Block] = []
    if let item = block.media {
      made.append(ModelCall.Block(role, .media(try media.read(item, "\(field).media"))))
    } else if !block.toolCallId.isEmpty {
      made.append(ModelCall.Block(role, .toolAnswer(callID: block.toolCallId, text: block.text)))
    } else if !block.text.isEmpty || block.toolCalls.isEmpty {
      made.append(ModelCall.Block(role, .text(block.text)))
    }
    for (place, call) in block.toolCalls.enumerated() {
      let arguments = try json(call.arguments, "\(field).tool_calls[\(place)].arguments")
      made.append(
        ModelCall.Block(
          role, .toolCall(.init(id: call.id, name: call.name, arguments: arguments))))
    }
    if block.isCacheBreakpoint, !made.isEmpty {
      made[made.count - 1].isCacheBreakpoint = true
    }
    return made
  }

  private static func choice(_ choice: ToolChoice) throws(Fault) -> ModelCall.ToolChoice? {
    switch choice.mode {
    case .auto: .auto
    case .any: .any
    case .named: .named(choice.name)
    case .none_: ModelCall.ToolChoice.none
    default: nil
    }
  }

  private static func output(_ output: OutputSpec?) throws(Fault) -> ModelCall.Output {
    guard let output else { return .text }
    switch output.mode {
    case .jsonObject: return .object
    case .jsonSchema:
      return .schema(
        name: output.name.isEmpty ? ModelCall.answerTool : output.name,
        try json(output.schema, "output.schema"))
    default: return .text
    }
  }

  private static func json(_ bytes: [UInt8], _ field: String) throws(Fault) -> JSONValue {
    do {
      return try JSONValue(parsing: bytes)
    } catch {
      throw bad(field, "not JSON: \(error)")
    }
  }

  // MARK: - What it may cost, and how it may be made

  private static func measure(
    _ request: GenerateRequest, _ facts: inout CallFacts
  ) {
    // What stands around the text in any dialect is far less than the text's own bytes doubled.
    var bytes = request.providerExtra.count + (request.output?.schema.count ?? 0)
    for block in request.blocks {
      bytes += block.text.utf8.count + 64
      for call in block.toolCalls { bytes += call.arguments.count + call.name.utf8.count + 64 }
      guard let item = block.media else { continue }
      if item.type.hasPrefix("image/") { facts.pictures += 1 } else { facts.documents += 1 }
    }
    for tool in request.tools {
      bytes += tool.schema.count + tool.description.utf8.count + tool.name.utf8.count + 64
    }
    facts.textBytes = Int64(bytes)
    facts.hasTools = !request.tools.isEmpty
    facts.hasSchema = request.output?.mode == .jsonSchema
  }

  private static func terms(
    _ request: GenerateRequest, _ context: ServerContext, _ now: UInt64
  ) -> CallTerms {
    var terms = CallTerms()
    terms.patience = context.deadlineNanoseconds.map { deadline in
      .nanoseconds(Int64(clamping: deadline > now ? deadline - now : 0))
    }
    guard let policy = request.policy else { return terms }
    if policy.priority == .batch { terms.priority = .batch }
    switch policy.cache {
    case .refresh: terms.cache = .refresh
    case .bypass: terms.cache = .bypass
    default: terms.cache = .normal
    }
    terms.sample = policy.sample
    terms.prefixReuses = policy.prefixReuses
    terms.failover = policy.isFailoverForbidden ? .forbidden : .allowed
    terms.retriesMax = policy.retriesMax.map { Int($0) }
    return terms
  }

  /// Over everything that changes the answer, and nothing else: neither key, run nor policy, nor
  /// whether a document came with the call or lies in the store.
  private static func hash(
    _ request: GenerateRequest, _ media: [CallMedia], sample: UInt32
  ) -> [UInt8] {
    var asked = request
    asked.callKey = ""
    asked.runId = ""
    asked.policy = nil
    var left = media[...]
    for place in asked.blocks.indices {
      asked.blocks[place].isCacheBreakpoint = false
      guard asked.blocks[place].media != nil, let item = left.popFirst() else { continue }
      asked.blocks[place].media?.source = item.named
    }
    var digest = SHA256()
    digest.update(field: "mesh")
    digest.update(field: String(sample))
    digest.update(asked.packed())
    return digest.finish()
  }
}
