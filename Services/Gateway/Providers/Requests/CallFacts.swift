package import GatewayValues

/// What a request says about itself, as far as price, limits and forwarding need it.
package struct CallFacts: Equatable, Sendable {
  /// As asked, perhaps an alias of ours.
  package var model: String
  /// nil where the caller leaves it to the model.
  package var outputTokensMax: Int64?
  /// Answers asked for at once; each may be as long as the output allows.
  package var answers: Int64 = 1
  package var isStream = false
  /// Whether the stream's last chunk is to tell the usage, where a caller can choose.
  package var wantsStreamUsage = false
  /// Bytes that can become tokens: all of the body but pictures and documents. No tokenizer makes
  /// more tokens than bytes.
  package var textBytes: Int64 = 0
  package var pictures: Int64 = 0
  /// Documents whose pages nobody has counted.
  package var documents: Int64 = 0
  /// Input beyond the body: an earlier conversation, a stored prompt, a file.
  package var hasHiddenInput = false
  /// Tools at the provider's, which make it read and pay again; each use is one more reading.
  package var hostedUsesMax: Int64 = 0
  package var webSearchesMax: Int64 = 0
  package var cacheBreakpoints = 0
  package var hasTools = false
  package var hasSchema = false

  package init(model: String) { self.model = model }
}

/// What of a model bounds a call of it.
package struct ModelBounds: Equatable, Sendable {
  package var contextTokens: Int64
  package var outputTokensMax: Int64
  package var pictureTokensMax: Int64
  /// What the provider adds of its own: wrapping of messages, instructions for tools.
  package var hiddenTokensMax: Int64

  package init(
    contextTokens: Int64, outputTokensMax: Int64, pictureTokensMax: Int64 = 4_784,
    hiddenTokensMax: Int64 = 1_024
  ) {
    self.contextTokens = contextTokens
    self.outputTokensMax = outputTokensMax
    self.pictureTokensMax = pictureTokensMax
    self.hiddenTokensMax = hiddenTokensMax
  }
}

extension CallFacts {
  /// The most that the call can use. A provider refuses input beyond its window, so the window
  /// bounds whatever cannot be counted here.
  package func bound(_ model: ModelBounds) -> CallBound {
    var input = model.contextTokens
    if documents == 0, !hasHiddenInput {
      let (seen, _) = pictures.multipliedReportingOverflow(by: model.pictureTokensMax)
      input = min(input, textBytes + model.hiddenTokensMax + min(seen, model.contextTokens))
    }
    if hostedUsesMax > 0 { input = model.contextTokens * (hostedUsesMax + 1) }
    let output = min(outputTokensMax ?? model.outputTokensMax, model.outputTokensMax) * answers
    return CallBound(
      inputTokensMax: input, outputTokensMax: output, webSearchesMax: webSearchesMax)
  }
}
