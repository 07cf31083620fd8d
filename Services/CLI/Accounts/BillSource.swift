import EventLoop
import Faults
import GatewayAudit
import HTTPClient
import Supervisor
import ToolContext

/// Where a provider's bill comes from: a file, or a simulator that runs.
enum BillSource {
  private static let path = "/bill"

  static func read(_ text: String, _ context: CommandContext) async throws -> [BilledCall] {
    let isAddress = ["http://", "https://", "unix:"].contains { text.hasPrefix($0) }
    guard isAddress else {
      let file = Surroundings.absolute(text, in: context.place.workingDirectory)
      return try await BlockingPool(name: "bill", threadsMax: 1).run { try BilledCall.read(file) }
    }
    let bytes = try await fetch(text, context.loop)
    return try await BlockingPool(name: "bill", threadsMax: 1).run {
      try BilledCall.parse(bytes, from: text)
    }
  }

  private static func fetch(_ text: String, _ loop: EventLoop) async throws -> [UInt8] {
    var upstream: HTTPUpstream
    if text.hasPrefix("unix:") {
      upstream = try HTTPUpstream("http://localhost")
      upstream.place = .unixSocket(path: String(text.dropFirst(5)))
    } else {
      upstream = try HTTPUpstream(text.hasSuffix(path) ? String(text.dropLast(5)) : text)
    }
    upstream.policy = AddressPolicy(allowsLoopback: true, allowsPrivate: true)
    let (place, from) = (upstream, text)
    let client = try await withCheckedThrowingContinuation { continuation in
      loop.execute { continuation.resume(with: Result { try HTTPClient(on: loop) }) }
    }
    defer { loop.execute { client.close() } }
    do {
      var request = HTTPClientRequest(.get, path)
      request.responseBodyBytesMax = AccountCommandLimits.billBytesMax
      let response = try await client.endpoint(for: place).send(request)
      let body = try await response.body.collect(max: AccountCommandLimits.billBytesMax)
      guard response.status == 200 else { throw unreadable(from, "it answers \(response.status)") }
      return body
    } catch let error as HTTPClientError {
      throw unreadable(from, error.fault.message)
    }
  }

  private static func unreadable(_ place: String, _ why: String) -> Fault {
    Fault(
      .notFound, reason: "BILL_UNREADABLE", "The bill at \(place) cannot be read: \(why)",
      hint: "Name a simulator's address, or a file of one call a line.", facts: ["path": place])
  }
}
