import GatewayProviders
import HTTPServer

/// What a path about batches or their files means.
enum BatchPath: Equatable {
  case messageBatches
  case messageBatch(String)
  case messageResults(String)
  case messageCancel(String)
  case batches
  case batch(String)
  case batchCancel(String)
  case files
  case file(String)
  case fileContent(String)

  /// nil when it is about something else.
  init?(_ path: String) {
    let steps = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .map(String.init)
    switch (steps.count, steps.prefix(3)) {
    case (3, ["v1", "messages", "batches"]): self = .messageBatches
    case (4, ["v1", "messages", "batches"]): self = .messageBatch(steps[3])
    case (5, ["v1", "messages", "batches"]) where steps[4] == "results":
      self = .messageResults(steps[3])
    case (5, ["v1", "messages", "batches"]) where steps[4] == "cancel":
      self = .messageCancel(steps[3])
    default:
      switch (steps.count, steps.prefix(2)) {
      case (2, ["v1", "batches"]): self = .batches
      case (3, ["v1", "batches"]): self = .batch(steps[2])
      case (4, ["v1", "batches"]) where steps[3] == "cancel": self = .batchCancel(steps[2])
      case (2, ["v1", "files"]): self = .files
      case (3, ["v1", "files"]): self = .file(steps[2])
      case (4, ["v1", "files"]) where steps[3] == "content": self = .fileContent(steps[2])
      default: return nil
      }
    }
  }

  var family: ProviderFamily {
    switch self {
    case .messageBatches, .messageBatch, .messageResults, .messageCancel: .anthropic
    case .batches, .batch, .batchCancel, .files, .file, .fileContent: .openAI
    }
  }

  var methods: [HTTPMethod] {
    switch self {
    case .messageBatches, .batches, .files: [.get, .post]
    case .messageBatch, .file: [.get, .delete]
    case .messageResults, .batch, .fileContent: [.get]
    case .messageCancel, .batchCancel: [.post]
    }
  }
}
