import EventLoop
import Faults
import RPC
import TestingContract

/// What our client makes of servers that misbehave; the servers are raw frames in Python.
struct NegativeCases: Sendable {
  let client: TestServiceClient
  let loop: EventLoop
  let deadline: Duration

  /// How the last call of the case ended.
  struct Ending {
    let code: String
    let details: String
  }

  func run(_ name: String) async throws -> Ending {
    // A server may have a request repeated that it says it has not seen.
    var ending = await call()
    switch name {
    case "goaway":
      // As the case is written: the GOAWAY may come after the answer.
      try await loop.sleep(for: .seconds(1))
      ending = await call()
    case "max_streams":
      let endings = await withTaskGroup(of: Ending.self) { group in
        for _ in 0..<10 { group.addTask { await call() } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      ending = endings.first { $0.code != "OK" } ?? ending
    case "ping":
      try await loop.sleep(for: .milliseconds(200))
    default:
      break
    }
    return ending
  }

  private func call() async -> Ending {
    var options = CallOptions(timeout: deadline)
    options.patience = .upTo(deadline / 2)
    do {
      let response = try await client.unaryCall(InteropCases.large(), options: options)
      let body = response.payload?.body ?? []
      guard body.count == 314_159, body.allSatisfy({ $0 == 0 }) else {
        return Ending(code: "WRONG_PAYLOAD", details: "\(body.count) bytes")
      }
      return Ending(code: "OK", details: "")
    } catch {
      let fault = Fault(describing: error)
      return Ending(code: fault.code.name, details: fault.message)
    }
  }
}
