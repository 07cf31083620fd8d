import JSON

/// Our RPC beside a bare nghttp2 echo in C and Python's grpcio, over Unix sockets, turn about.
final class RPCFamily {
  private let bench: Bench
  private static let rounds = 5
  private static let seconds = 1
  private static let payloadBytes = 200
  private static let inFlight = 16
  private static let streamMessages = 1_000_000
  private static let streamPayloadBytes = 100

  init(_ bench: Bench) { self.bench = bench }

  func run() {
    let ours: EchoPeer
    do {
      ours = try EchoPeer.ours(bench)
    } catch {
      for name in [
        "rpc.calls_per_cpu_vs_grpcio", "rpc.cpu_us_per_call", "rpc.p50_vs_nghttp2",
        "rpc.stream_messages_per_s",
      ] { bench.skip(name, because: error) }
      return
    }
    measureCalls(ours)
    measureStream(ours)
  }

  // MARK: Unary calls

  private func measureCalls(_ ours: EchoPeer) {
    let bare = attempt("rpc.p50_vs_nghttp2") { try EchoPeer.nghttp2(bench) }
    let grpcio = attempt("rpc.calls_per_cpu_vs_grpcio") { try EchoPeer.grpcio(bench) }
    var alone: [EchoRun] = []
    var wide: [EchoRun] = []
    var bareAlone: [EchoRun] = []
    var bareWide: [EchoRun] = []
    var grpcioWide: [EchoRun] = []
    do {
      for _ in 0..<RPCFamily.rounds {
        if let bare { bareAlone.append(try call(bare, width: 1)) }
        alone.append(try call(ours, width: 1))
        if let bare { bareWide.append(try call(bare, width: RPCFamily.inFlight)) }
        wide.append(try call(ours, width: RPCFamily.inFlight))
        if let grpcio { grpcioWide.append(try call(grpcio, width: RPCFamily.inFlight)) }
      }
    } catch {
      bench.skip("rpc.cpu_us_per_call", because: error)
      return
    }
    reportOurs(alone: alone, wide: wide)
    if bare != nil { reportBare(alone: alone, bareAlone: bareAlone, bareWide: bareWide) }
    if grpcio != nil {
      let ratio = median(zip(wide, grpcioWide).map { $0.callsPerCPUSecond / $1.callsPerCPUSecond })
      bench.report(
        "rpc.calls_per_cpu_vs_grpcio", ratio, unit: "x",
        [
          ("calls_per_cpu_s", .number(median(wide.map(\.callsPerCPUSecond)).rounded())),
          (
            "grpcio_calls_per_cpu_s", .number(median(grpcioWide.map(\.callsPerCPUSecond)).rounded())
          ),
        ])
    }
  }

  private func reportOurs(alone: [EchoRun], wide: [EchoRun]) {
    bench.report("rpc.cpu_us_per_call", median(wide.map(\.serverMicrosecondsPerCall)), unit: "us")
    bench.report(
      "rpc.client_cpu_us_per_call", median(wide.map(\.clientMicrosecondsPerCall)), unit: "us")
    bench.report("rpc.calls_per_s", median(wide.map(\.callsPerSecond)), unit: "1/s")
    bench.report("rpc.p50_us", median(alone.map(\.p50Microseconds)), unit: "us")
    bench.report("rpc.p99_us", median(alone.map(\.p99Microseconds)), unit: "us")
  }

  private func reportBare(alone: [EchoRun], bareAlone: [EchoRun], bareWide: [EchoRun]) {
    bench.report(
      "rpc.p50_vs_nghttp2",
      median(zip(alone, bareAlone).map { $0.p50Microseconds / $1.p50Microseconds }), unit: "x",
      [("nghttp2_p50_us", .number(median(bareAlone.map(\.p50Microseconds))))])
    bench.report(
      "nghttp2.cpu_us_per_call", median(bareWide.map(\.serverMicrosecondsPerCall)), unit: "us")
    bench.report("nghttp2.calls_per_s", median(bareWide.map(\.callsPerSecond)), unit: "1/s")
  }

  private func call(_ peer: EchoPeer, width: Int) throws -> EchoRun {
    try peer.call(
      width: width, seconds: RPCFamily.seconds, payloadBytes: RPCFamily.payloadBytes)
  }

  private func attempt(_ figure: String, _ make: () throws -> EchoPeer) -> EchoPeer? {
    do {
      return try make()
    } catch {
      bench.skip(figure, because: error)
      return nil
    }
  }

  // MARK: One stream

  private func measureStream(_ ours: EchoPeer) {
    do {
      var rates: [Double] = []
      for _ in 0..<3 {
        let client = try PeerProcess(
          try bench.product("InteropPeer"),
          [
            "stream-client", "--address", ours.address, "--messages",
            "\(RPCFamily.streamMessages)", "--payload", "\(RPCFamily.streamPayloadBytes)",
          ])
        let said = try client.object()
        guard let seconds = said["seconds"]?.doubleValue,
          said["messages"]?.intValue == RPCFamily.streamMessages
        else { throw BenchError("the stream's client said \(said.text())") }
        rates.append(Double(RPCFamily.streamMessages) / seconds)
      }
      bench.report("rpc.stream_messages_per_s", median(rates), unit: "1/s")
    } catch {
      bench.skip("rpc.stream_messages_per_s", because: error)
    }
  }
}
