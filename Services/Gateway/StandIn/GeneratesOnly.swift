import Faults
package import GatewayContract
package import RPC

/// A gateway without provider, limits or ledger: it answers calls, and of all else it says so.
package protocol GeneratesOnly: GatewayServer {}

extension GeneratesOnly {
  package func generateStream(
    _ request: GenerateRequest, responses: ResponseWriter<GenerateEvent>, context: ServerContext
  ) async throws { throw missing("GenerateStream") }

  package func quote(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> QuoteResponse { throw missing("Quote") }

  package func countTokens(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> CountTokensResponse { throw missing("CountTokens") }

  package func listModels(
    _ request: ListModelsRequest, context: ServerContext
  ) async throws -> ListModelsResponse { throw missing("ListModels") }

  package func watchLimits(
    _ request: WatchLimitsRequest, responses: ResponseWriter<LimitsState>, context: ServerContext
  ) async throws { throw missing("WatchLimits") }

  private func missing(_ method: String) -> Fault {
    Fault(
      .unimplemented, reason: "NO_PROVIDER",
      "\(method) needs a provider, and this gateway was told of none.")
  }
}
