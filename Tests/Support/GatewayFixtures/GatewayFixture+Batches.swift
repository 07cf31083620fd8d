import HTTPClient
import JSON
package import TestSupport

extension GatewayFixture {
  package func get(_ path: String, key: String = key) async throws -> Reply {
    try await send(HTTPClientRequest(.get, path), key: key)
  }

  package func delete(_ path: String, key: String = key) async throws -> Reply {
    try await send(HTTPClientRequest(.delete, path), key: key)
  }

  /// Puts a file down for batches, as OpenAI's clients do.
  package func upload(_ text: String, key: String = key) async throws -> Reply {
    let form = [
      "--line", #"Content-Disposition: form-data; name="purpose""#, "", "batch", "--line",
      #"Content-Disposition: form-data; name="file"; filename="calls.jsonl""#, "", text,
      "--line--", "",
    ]
    let body = Array(form.joined(separator: "\r\n").utf8)
    var request = HTTPClientRequest(.post, "/v1/files", body: .bytes(body))
    request.headers = [HTTPField("content-type", "multipart/form-data; boundary=line")]
    return try await send(request, key: key)
  }

  package func openAIBatch(_ count: Int) async throws -> Reply {
    let lines = (0..<count).map { index in
      let line: JSONValue = [
        "custom_id": .string("call-\(index)"), "method": "POST", "url": "/v1/chat/completions",
        "body": [
          "model": "gpt-5.6-luna", "max_completion_tokens": 50,
          "messages": [["role": "user", "content": .string("item \(index)")]],
        ],
      ]
      return String(decoding: line.bytes(), as: UTF8.self)
    }
    let file = try await upload(lines.joined(separator: "\n"))
    return try await ask(
      "/v1/batches",
      [
        "input_file_id": try required(file.json["id"], file.text),
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
      ])
  }

  /// Another gateway in the place of the fixture's own, which has ended.
  package func running<R>(
    _ environment: [String: String], _ body: (ChildTool) async throws -> R
  ) async throws -> R {
    try await ChildTool.with(
      try BuildPlace.executable("assay-gateway"), [], environment: environment
    ) { gateway in
      try await Self.ready(gateway, loop)
      return try await body(gateway)
    }
  }

  // MARK: - The simulator

  /// How long it rests between 64 requests of a batch and the next.
  package func latency(milliseconds: Int) async throws {
    try await control("/control/script", ["latency": ["first_ms": .number(milliseconds)]])
  }

  package func advanceClock(seconds: Int) async throws {
    try await control("/control/clock", ["advance_s": .number(seconds)])
  }
}
