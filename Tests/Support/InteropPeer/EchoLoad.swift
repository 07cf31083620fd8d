import EventLoop
import Glibc
import RPC
import TestingContract

/// Calls a server of `Echo` and measures: what the rpc.* figures are made of.
struct EchoLoad {
  let loop: EventLoop
  let channel: Channel
  let payloadBytes: Int

  /// Unary calls with `width` of them in flight, for `seconds`.
  func unary(width: Int, seconds: Double) async throws -> String {
    let client = EchoClient(channel)
    var request = EchoRequest()
    request.data = [UInt8](repeating: 97, count: payloadBytes)
    _ = try await client.say(request)
    let cpuBefore = EchoLoad.cpuSeconds()
    let start = loop.nowNanoseconds
    let end = start + UInt64(seconds * 1e9)
    let loop = loop
    let latencies = try await withThrowingTaskGroup(of: [UInt32].self) { group in
      for _ in 0..<width {
        group.addTask(executorPreference: loop) { [request] in
          var latencies: [UInt32] = []
          var before = loop.nowNanoseconds
          while before < end {
            _ = try await client.say(request)
            let now = loop.nowNanoseconds
            latencies.append(UInt32(truncatingIfNeeded: now - before))
            before = now
          }
          return latencies
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    let elapsed = Double(loop.nowNanoseconds - start) / 1e9
    let cpu = EchoLoad.cpuSeconds() - cpuBefore
    let sorted = latencies.sorted()
    let p50 = Double(sorted[sorted.count / 2]) / 1e3
    let p99 = Double(sorted[sorted.count * 99 / 100]) / 1e3
    return """
      {"calls":\(sorted.count),"seconds":\(elapsed),"cpu_seconds":\(cpu),\
      "p50_us":\(p50),"p99_us":\(p99)}
      """
  }

  /// One server stream of `messages`.
  func stream(messages: Int) async throws -> String {
    let client = EchoClient(channel)
    var request = EchoRequest()
    request.data = [UInt8](repeating: 97, count: payloadBytes)
    request.times = UInt32(messages)
    let cpuBefore = EchoLoad.cpuSeconds()
    let start = loop.nowNanoseconds
    var count = 0
    for try await _ in client.expand(request) { count += 1 }
    let elapsed = Double(loop.nowNanoseconds - start) / 1e9
    let cpu = EchoLoad.cpuSeconds() - cpuBefore
    return """
      {"messages":\(count),"seconds":\(elapsed),"cpu_seconds":\(cpu)}
      """
  }

  /// CPU time of this process so far.
  static func cpuSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
