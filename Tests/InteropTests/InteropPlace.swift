import JSON
import TestSupport

/// How the two peers reach each other.
enum Transport: String, CaseIterable, Sendable {
  case unix, tcp

  /// Where a server is told to listen.
  func address(in folder: ScratchFolder) -> String {
    self == .unix ? "unix:\(folder.file("s"))" : "127.0.0.1:0"
  }
}

/// Starts the peers: ours is InteropPeer, the others are Python.
enum InteropPlace {
  static func script(_ name: String) -> String {
    "\(BuildPlace.top)/Tests/InteropTests/python/\(name).py"
  }

  /// Runs `body` with our server of grpc.testing and its address.
  static func withOurServer<R>(
    at address: String, mode: String? = nil, _ body: (ChildTool, String) async throws -> R
  ) async throws -> R {
    // Ours wants to be told the scheme.
    let full = address.hasPrefix("unix:") ? address : "tcp://\(address)"
    let arguments = ["server", "--address", full] + (mode.map { ["--mode", $0] } ?? [])
    return try await ChildTool.with(try BuildPlace.executable("InteropPeer"), arguments) { tool in
      try await body(tool, try await bound(by: tool))
    }
  }

  /// Runs `body` with a server in Python and its address.
  static func withPythonServer<R>(
    _ name: String, _ arguments: [String] = [], at address: String,
    _ body: (ChildTool, String) async throws -> R
  ) async throws -> R {
    let all = [script(name), "--address", address] + arguments
    return try await ChildTool.with(try BuildPlace.python(), all) { tool in
      let bound = try await bound(by: tool)
      return try await body(tool, bound.hasPrefix("unix:") ? bound : "tcp://\(bound)")
    }
  }

  /// Our client with the results that it printed.
  static func ourClient(
    _ verb: String, _ arguments: [String], to address: String, within limit: Duration
  ) async throws -> CaseResults {
    let output = try await ChildTool.run(
      try BuildPlace.executable("InteropPeer"), [verb, "--address", address] + arguments,
      within: limit)
    return try CaseResults(output, naming: "case")
  }

  /// A client in Python with the results that it printed, named by their member `key`.
  static func pythonClient(
    _ name: String, _ arguments: [String], within limit: Duration, naming key: String = "case"
  ) async throws -> CaseResults {
    let output = try await ChildTool.run(
      try BuildPlace.python(), [script(name)] + arguments, within: limit)
    return try CaseResults(output, naming: key)
  }

  private static func bound(by tool: ChildTool) async throws -> String {
    let line = try await tool.line { $0.hasPrefix("{") }
    guard let address = CaseResults.object(line)?["address"]?.stringValue else {
      throw ChildTool.Failure(description: "\(tool.name) printed \(line)")
    }
    return address
  }
}
