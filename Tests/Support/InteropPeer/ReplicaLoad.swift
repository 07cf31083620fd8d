import EventLoop
import Faults
import MeshContract
import RPC

/// Calls the replicas of a service without pause and notes who answered when: what the figures
/// mesh.replica_used_ms and mesh.replica_left_ms are made of.
///
/// `@unchecked Sendable`: its tasks run on its loop alone.
final class ReplicaLoad: @unchecked Sendable {
  private struct Answers {
    var first: UInt64
    var last: UInt64
    var count = 0
  }

  private let loop: EventLoop
  private let channel: Channel
  private var answers: [String: Answers] = [:]
  private var faultCount = 0
  private var lastFault: UInt64 = 0

  init(loop: EventLoop, channel: Channel) {
    self.loop = loop
    self.channel = channel
  }

  /// Times are of the monotonic clock, which the benchmark reads too.
  func run(width: Int, seconds: Double) async -> String {
    let end = loop.nowNanoseconds + UInt64(seconds * 1e9)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<width {
        group.addTask(executorPreference: loop) { await self.call(until: end) }
      }
    }
    let replicas = answers.sorted { $0.key < $1.key }.map { name, seen in
      "\"\(name)\":{\"first\":\(ReplicaLoad.seconds(seen.first)),"
        + "\"last\":\(ReplicaLoad.seconds(seen.last)),\"calls\":\(seen.count)}"
    }
    return "{\"replicas\":{\(replicas.joined(separator: ","))},\"faults\":\(faultCount),"
      + "\"last_fault\":\(ReplicaLoad.seconds(lastFault))}"
  }

  private func call(until end: UInt64) async {
    let client = AdminClient(channel)
    var options = CallOptions(timeout: .seconds(5))
    // A call that fails because its replica died is counted, not hidden.
    options.retries = false
    while loop.nowNanoseconds < end {
      do {
        let info = try await client.info(InfoRequest(), options: options)
        let now = loop.nowNanoseconds
        answers[info.instance, default: Answers(first: now, last: now)].last = now
        answers[info.instance]?.count += 1
      } catch {
        faultCount += 1
        lastFault = loop.nowNanoseconds
      }
    }
  }

  private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
}
