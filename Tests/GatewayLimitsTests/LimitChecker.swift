import GatewayLimits
import GatewayPacing

/// An observer at the far end, who adds up the log in the plainest way and shares no code with
/// what is tested: every window that begins with a request, every moment a call begins.
struct LimitChecker {
  private struct Mark {
    var at: Double
    var amount: Int64
  }

  let configuration: DeskConfiguration
  let sent: [DeskWorld.Sent]
  /// Whether requests are timed when they arrive or when they left.
  private let isAtProvider: (LimitScope) -> Bool = { $0 == .bucket }

  var violations: [String] {
    var found: [String] = []
    for product in configuration.products {
      let own = sent.filter { $0.arrival.call.product == product.name }
      found += check(own, product.limits, .own, .product, product.name)
    }
    for key in configuration.keys {
      let own = sent.filter { $0.route.key == key.name }
      found += check(own, key.limits, .own, .key, key.name)
    }
    for bucket in configuration.buckets {
      let own = sent.filter { $0.route.bucket == bucket.name }
      found += check(own, bucket.limits, bucket.policy.law, .bucket, bucket.name)
    }
    return found
  }

  private func check(
    _ calls: [DeskWorld.Sent], _ limits: ScopeLimits, _ law: CountingLaw, _ scope: LimitScope,
    _ name: String
  ) -> [String] {
    let real = calls.filter { !$0.isReleased }
    let requests = real.map { Mark(at: arrived($0, scope), amount: 1) }
    var found: [String] = []
    func within(_ marks: [Mark], _ limit: Int64?, _ length: Double, _ what: String) {
      guard let limit, let most = most(marks, in: length), most > limit else { return }
      found.append("\(name): \(most) \(what) in \(length) s, and \(limit) are allowed")
    }
    within(requests, limits.requestsPerMinute, 60, "requests")
    within(requests, limits.callsPerHour, 3600, "calls")
    let input = real.map { Mark(at: arrived($0, scope), amount: self.input(of: $0, law)) }
    within(input, limits.inputTokensPerMinute, 60, "input tokens")
    if law.output == .asProduced {
      within(real.flatMap(produced), limits.outputTokensPerMinute, 60, "output tokens")
    } else if law.output == .whenAsked {
      let output = real.map { Mark(at: arrived($0, scope), amount: $0.arrival.usage.output) }
      within(output, limits.outputTokensPerMinute, 60, "output tokens")
    }
    if let limit = limits.concurrency {
      for (index, call) in calls.enumerated() {
        // The log is in the order of leaving; those that left at the same moment count too.
        let together = calls[...index].filter { ($0.endedAt ?? .infinity) > call.leftAt }.count
        if together > limit { found.append("\(name): \(together) at once, \(limit) allowed") }
      }
    }
    return found
  }

  private func arrived(_ call: DeskWorld.Sent, _ scope: LimitScope) -> Double {
    isAtProvider(scope) ? call.leftAt + call.arrival.delay : call.leftAt
  }

  private func input(of call: DeskWorld.Sent, _ law: CountingLaw) -> Int64 {
    let need = call.arrival.call.need
    // What is charged up front is charged whatever came of it.
    if law.output == .withInput { return need.input + need.output }
    let usage = call.arrival.usage
    return usage.freshInput + usage.cacheWrite + (law.countsCacheReads ? usage.cacheRead : 0)
  }

  /// Output bit by bit while the call lasts.
  private func produced(_ call: DeskWorld.Sent) -> [Mark] {
    let output = call.arrival.usage.output
    let start = call.leftAt + call.arrival.delay
    let end = call.endedAt ?? start
    return (0..<4).map { part in
      Mark(
        at: start + (end - start) * Double(part + 1) / 4,
        amount: output * Int64(part + 1) / 4 - output * Int64(part) / 4)
    }
  }

  /// The most within any window that holds its beginning and not its end: from each mark on.
  private func most(_ marks: [Mark], in length: Double) -> Int64? {
    let marks = marks.sorted { $0.at < $1.at }
    return marks.indices.map { first in
      marks[first...].prefix { $0.at < marks[first].at + length - 1e-6 }
        .map(\.amount).reduce(0, +)
    }.max()
  }
}
