// FuzzTargets: the readers of outside bytes, each as one plain function of any bytes. libFuzzer
// drives them in Tests/Fuzz/Main (`make fuzz`), and FuzzCorpusTests replay what it found. A target
// never does I/O and keeps nothing between two inputs; besides not crashing it checks what must
// hold for every input, and says what does not. Limit: `FuzzTarget.inputBytesMax`.

/// What can be fuzzed, by the name of its corpus folder.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// A server's session fed by a hostile client.
  case http2Server = "http2-server"
  /// A client's session fed by a hostile server.
  case http2Client = "http2-client"
  /// gRPC's length-prefixed messages, cut into chunks anyhow.
  case framing
  /// Metadata values, base64, timeouts, percent-encoded messages.
  case metadata
  /// protobuf messages from a peer: those of gRPC's own suite.
  case unpacking
  /// The same for the message with every feature that our generator takes.
  case features
  case json
  /// JSON kept as its bytes: checked, edited, fed to a hash.
  case jsonText = "json-text"
  case serverSentEvents = "server-sent-events"
  /// What callers send to a model, in each dialect.
  case modelRequests = "model-requests"
  /// What providers answer: replies, errors, streams.
  case providerReplies = "provider-replies"
  /// Compressed messages.
  case gzip
  /// assay.yaml.
  case configuration
  case yaml

  package static let inputBytesMax = 64 << 10

  /// Feeds one input; throws when something that must always hold did not.
  package func run(_ input: RawSpan) throws(FuzzFinding) {
    switch self {
    case .http2Server: try fuzzHTTP2Server(input)
    case .http2Client: try fuzzHTTP2Client(input)
    case .framing: try fuzzFraming(input)
    case .metadata: try fuzzMetadata(input)
    case .unpacking: try fuzzUnpacking(input)
    case .features: try fuzzFeatures(input)
    case .json: try fuzzJSON(input)
    case .jsonText: try fuzzJSONText(input)
    case .serverSentEvents: try fuzzServerSentEvents(input)
    case .modelRequests: try fuzzModelRequests(input)
    case .providerReplies: try fuzzProviderReplies(input)
    case .gzip: try fuzzGzip(input)
    case .configuration: try fuzzConfiguration(input)
    case .yaml: try fuzzYAML(input)
    }
  }
}

/// Something that must hold for every input, and did not.
package struct FuzzFinding: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Throws a finding unless `condition` holds.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(FuzzFinding) {
  if !condition { throw FuzzFinding(what()) }
}
