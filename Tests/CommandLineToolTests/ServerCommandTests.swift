import CommandLineTool
import Console
import EventLoop
import Faults
import JSON
import MeshContract
import RPC
import Testing

/// Verbs that speak to a server, against servers of this process.
@Suite struct ServerCommandTests {
  @Test(.timeLimit(.minutes(1)))
  func `health tells who serves, who does not, and who is not there`() async throws {
    try await ToolFixture.run { tool in
      let well = try await tool.serve("well")
      let unwell = try await tool.serve("unwell", isServing: false)
      let one = await tool.assay("health", "unix:\(tool.top)/well.sock")
      #expect(one.code == .success && one.output.contains("serving"))
      let two = await tool.assay(
        "health", "unix:\(tool.top)/well.sock", "unix:\(tool.top)/unwell.sock", "--json")
      #expect(two.code == .unavailable)
      let values = try two.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
      #expect(values.map { $0["status"]?.stringValue } == ["serving", "not serving"])
      let gone = await tool.assay("health", "unix:\(tool.top)/none.sock")
      #expect(gone.code == .unavailable && gone.output.contains("nobody listens"))
      let unknown = await tool.assay(
        "health", "unix:\(tool.top)/well.sock", "--grpc-service", "no.Such")
      #expect(unknown.output.contains("unknown service"))
      await well.drain()
      await unwell.drain()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a directory of sockets is well when those that live serve`() async throws {
    try await ToolFixture.run { tool in
      let dead = try await tool.serve("dead")
      let address = "unix-dir:\(tool.top)"
      #expect(await tool.assay("health", address).code == .success)
      // A socket whose server was killed stays behind.
      await dead.drain()
      #expect(DeadSocket.leave(at: "\(tool.top)/dead.sock"))
      #expect(await tool.assay("health", address).code == .unavailable)
      let well = try await tool.serve("well")
      let both = await tool.assay("health", address)
      #expect(both.code == .success)
      #expect(both.output.contains("dead  nobody listens"))
      await well.drain()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `in a service's own place its own socket alone is asked`() async throws {
    try await ToolFixture.run { tool in
      let own = try await tool.serve("own")
      let other = try await tool.serve("other", isServing: false)
      let address = "unix-dir:\(tool.top)"
      #expect(await tool.assay("health", address).code == .unavailable)
      let inside = ToolFixture.inside(tool, listen: address, instance: "own")
      #expect(await inside.assay("health", address).code == .success)
      await own.drain()
      await other.drain()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `reflect prints declarations, and says what is not there`() async throws {
    try await ToolFixture.run { tool in
      let server = try await tool.serve("s")
      let address = "unix:\(tool.top)/s.sock"
      let all = await tool.assay("reflect", address)
      #expect(
        all.output.contains(
          "rpc Watch(grpc.health.v1.HealthCheckRequest)"
            + " returns (stream grpc.health.v1.HealthCheckResponse);"))
      let message = await tool.assay("reflect", address, "grpc.health.v1.HealthCheckResponse")
      #expect(
        message.output == """
          message grpc.health.v1.HealthCheckResponse {
            enum ServingStatus {
              UNKNOWN = 0;
              SERVING = 1;
              NOT_SERVING = 2;
              SERVICE_UNKNOWN = 3;
            }
            grpc.health.v1.HealthCheckResponse.ServingStatus status = 1;
          }

          """)
      let method = await tool.assay("reflect", address, "grpc.health.v1.Health.Check")
      #expect(method.output.hasPrefix("rpc Check("))
      let none = await tool.assay("reflect", address, "no.Such")
      #expect(none.code == .failed)
      #expect(none.error.contains("hint: services: grpc.health.v1.Health"))
      let json = await tool.assay("reflect", address, "grpc.health.v1.Health", "--json")
      #expect(try JSONValue(parsing: json.output)["methods"]?[2]?["server_streaming"] == true)
      await server.drain()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `call sends JSON and prints JSON`() async throws {
    try await ToolFixture.run { tool in
      let server = try await tool.serve("s")
      let at = ["--address", "unix:\(tool.top)/s.sock"]
      let plain = await tool.call(["Health/Check"], at)
      #expect(plain.output == "{\n  \"status\": \"SERVING\"\n}\n")
      let full = await tool.call(
        ["/grpc.health.v1.Health/Check", "{\"service\":\"\"}", "--json"], at)
      #expect(full.output == "{\"status\":\"SERVING\"}\n")
      try tool.write("request.json", "{\"service\": \"none\"}")
      let refused = await tool.call(["Health/Check", "@request.json"], at)
      #expect(refused.code == .failed)
      #expect(refused.error.contains("error[UNKNOWN_SERVICE]"))
      let stream = await tool.call(["Health/Watch", "--timeout", "300ms"], at)
      #expect(stream.output == "{\"status\":\"SERVING\"}\n")
      #expect(stream.error.contains("error[DEADLINE"))
      try tool.write("many", "{\"listServices\":\"\"}\n\n{\"fileByFilename\":\"x\"}\n")
      let both = await tool.call(
        ["reflection.v1.ServerReflection/ServerReflectionInfo", "@many", "--json"], at)
      #expect(both.output.split(separator: "\n").count == 2)
      await server.drain()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `call says what is wrong with what was typed`() async throws {
    try await ToolFixture.run { tool in
      let server = try await tool.serve("s")
      let at = ["--address", "unix:\(tool.top)/s.sock"]
      let method = await tool.call(["Health/Chek"], at)
      #expect(method.error.contains("hint: did you mean grpc.health.v1.Health/Check?"))
      let ambiguous = await tool.call(["ServerReflection/ServerReflectionInfo"], at)
      #expect(ambiguous.error.contains("error[AMBIGUOUS_METHOD]"))
      let json = await tool.call(["Health/Check", "{"], at)
      #expect(json.error.contains("error[BAD_JSON]"))
      let field = await tool.call(["Health/Check", "{\"servce\": 1}"], at)
      #expect(field.error.contains("did you mean 'service'?"))
      #expect(await tool.call(["Check"], at).code == .usage)
      #expect(await tool.call(["Health/Check", "-H", "no colon"], at).code == .usage)
      #expect(await tool.call(["Health/Check", "-H", "grpc-status: 1"], at).code == .usage)
      let nobody = await tool.assay("call", "A/B", "--address", "unix:\(tool.top)/none.sock")
      #expect(nobody.code == .unavailable)
      let bad = await tool.assay("call", "A/B", "--address", "unix:")
      #expect(bad.error.contains("error[BAD_ADDRESS]"))
      await server.drain()
    }
  }
}

extension ToolFixture {
  func call(
    _ words: [String], _ more: [String]
  ) async -> (code: ExitCode, output: String, error: String) {
    await assay(words: ["call"] + words + more)
  }
}
