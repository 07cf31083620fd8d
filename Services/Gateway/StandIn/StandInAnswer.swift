import Digest
import GatewayContract
import JSON
import ScoreContract

/// What the stand-in's model says to a request: a score of 0 to 100 for each item that stands in
/// the last user block as `{"items":[{"id":…,"text":…}]}`, by a hash of its text.
struct StandInAnswer: Sendable {
  let response: GenerateResponse

  /// Tokens as if four bytes made one.
  private static let bytesPerToken = 4
  private static let nanosPerInputToken: Int64 = 1_000
  private static let nanosPerOutputToken: Int64 = 5_000

  /// `occasion` decides what goes wrong: the content and how often its run has paid for it, so
  /// that two runs of the same questions meet the same, under whatever keys they ask.
  init(to request: GenerateRequest, on occasion: String, by script: StandInScript) {
    let asked = request.blocks.last { $0.role == .user }?.text ?? ""
    var text = StandInAnswer.text(for: asked, on: occasion, by: script)
    var finish = GenerateResponse.Finish.stop
    if script.luck("truncated", occasion) < script.truncatedPerMille {
      text = String(decoding: text.utf8.prefix(text.utf8.count / 2), as: UTF8.self)
      finish = .length
    } else if script.luck("garbled", occasion) < script.garbledPerMille {
      text = "I would rather talk about something else."
    }
    let input = request.blocks.reduce(0) { $0 + $1.text.utf8.count } / Self.bytesPerToken + 1
    let output = text.utf8.count / Self.bytesPerToken + 1
    var usage = Usage()
    usage.inputTokens = Int64(input)
    usage.outputTokens = Int64(output)
    usage.costNanos =
      Int64(input) * Self.nanosPerInputToken + Int64(output) * Self.nanosPerOutputToken
    usage.completeness = .exact
    usage.priceVersion = "stand-in"
    response = GenerateResponse(
      callKey: request.callKey, model: request.model, text: text, finish: finish, usage: usage)
  }

  private static func text(
    for asked: String, on occasion: String, by script: StandInScript
  ) -> String {
    guard let items = (try? JSONValue(parsing: asked))?["items"]?.arrayValue else {
      return (["text": .string(asked)] as JSONValue).text()
    }
    var answers: [JSONValue] = []
    for item in items.prefix(StandInLimits.itemsMax) {
      guard let id = item["id"]?.stringValue, let text = item["text"]?.stringValue else { continue }
      guard script.luck("dropped", occasion, id) >= script.droppedItemsPerMille else { continue }
      let isAbsurd = script.luck("absurd", occasion, id) < script.absurdItemsPerMille
      answers.append([
        "id": .string(id), "reasoning": "By the hash of its text.",
        "score": isAbsurd ? .number(1000) : .number(score(of: text)),
      ])
    }
    return (["items": .array(answers)] as JSONValue).text()
  }

  /// 0 to 100, the same for the same text wherever it is asked about.
  private static func score(of text: String) -> Int {
    var digest = SHA256()
    digest.update(Array(text.utf8))
    let bytes = digest.finish()
    return (Int(bytes[0]) << 8 | Int(bytes[1])) % 101
  }
}
