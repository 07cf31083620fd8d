import EventLoop
import Faults
import MeshContract
import RPC

/// Waits until every service that this one calls says that it serves.
///
/// Start order does not matter: each service starts at once, says for whom it waits, and goes on
/// when they are there. Once ready it stays ready: a callee that fails later fails calls, not
/// its callers' health.
struct PeerWait {
  let channels: [String: Channel]
  let loop: EventLoop
  /// Called whenever the set of missing peers changes.
  let report: @Sendable ([String]) -> Void

  func run() async throws {
    var missing = Set(channels.keys)
    report(missing.sorted())
    try await withThrowingTaskGroup(of: String.self) { group in
      for (name, channel) in channels {
        group.addTask(executorPreference: loop) { [loop] in
          try await PeerWait.untilServing(channel, loop)
          return name
        }
      }
      for try await name in group {
        missing.remove(name)
        report(missing.sorted())
      }
    }
  }

  private static func untilServing(_ channel: Channel, _ loop: EventLoop) async throws {
    let client = HealthClient(channel)
    while true {
      do {
        // Watch answers the moment the peer becomes ready; nothing is polled.
        for try await status in client.watch(HealthCheckRequest(), options: CallOptions()) {
          if status.status == .serving { return }
        }
      } catch let fault as Fault {
        if fault.code == .cancelled { throw fault }
        try await loop.sleep(for: .milliseconds(20))
      }
    }
  }
}
