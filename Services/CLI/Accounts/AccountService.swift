// AccountCommands: verbs about money: the ledger added up from its file, and budgets, keys,
// products, models and prices asked of the gateway like any other client asks. It keeps nothing,
// decides nothing about money, and prints amounts as they are, to the last digit.
// Limits: `AccountCommandLimits`, those of the contract.

import Console
import Faults
import GatewayContract
import MeshAddressing
import RPC
import ToolContext

/// Named limits of what these verbs read.
enum AccountCommandLimits {
  /// A bill that is fetched.
  static let billBytesMax = 256 << 20
  static let linesMax = 1_000_000
  static let pageMax = 500
}

/// How verbs about money reach the mesh: the gateway, as the operator at the machine.
struct AccountService: Sendable {
  let account: AccountClient
  let gateway: GatewayClient
  let channel: Channel

  static let flags =
    Flag.mesh + [Flag("address", value: "ADDRESS", "the gateway, when not the running mesh's")]

  private static let timeout = Duration.seconds(10)

  static func find(_ context: CommandContext) async throws -> AccountService {
    let text = context.invocation.value("address") ?? "gateway"
    let address: MeshAddress
    if MeshTarget.isAddress(text) {
      address = try MeshAddress(text)
    } else {
      address = try await MeshTarget.resolve(text, context)[0].address
    }
    let channel = Channel(to: address, on: context.loop)
    return AccountService(
      account: AccountClient(channel), gateway: GatewayClient(channel), channel: channel)
  }

  /// Asks, and lets go of the channel.
  static func asking<R: Sendable>(
    _ context: CommandContext, _ body: (AccountService) async throws -> R
  ) async throws -> R {
    let service = try await find(context)
    do {
      let answer = try await body(service)
      await service.channel.shutDown()
      return answer
    } catch {
      await service.channel.shutDown()
      throw Self.told(error)
    }
  }

  /// A gateway that asks no provider has no accounts; it says so in words of the wire.
  private static func told(_ error: any Error) -> any Error {
    guard let fault = error as? Fault, fault.code == .unimplemented else { return error }
    return Fault(
      .failedPrecondition, reason: "NO_ACCOUNTS", "This gateway keeps no accounts.",
      hint: "Give it a provider: ASSAY_GATEWAY_CATALOG or ASSAY_GATEWAY_SIMULATOR.",
      cause: fault.message)
  }

  var options: CallOptions { CallOptions(timeout: Self.timeout) }
}
