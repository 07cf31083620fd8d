import Telemetry
import Testing

@Suite struct MetricsTests {
  @Test func `the text is what Prometheus reads`() {
    let metrics = Metrics()
    let calls = metrics.counter(
      "assay_calls_total", help: "Calls by method.\nAnd \\ more", labels: [.method, .code])
    calls("/a/B", "OK").add(3)
    calls("/a/B", "quote\" slash\\ line\n").add()
    metrics.gauge("assay_open_streams", help: "Streams now")().set(-2)
    metrics.gauge("assay_load", help: "Asked when read") { 0.25 }
    _ = metrics.counter("assay_silent_total", help: "No series yet", labels: [.code])
    let expected = #"""
      # HELP assay_calls_total Calls by method.\nAnd \\ more
      # TYPE assay_calls_total counter
      assay_calls_total{method="/a/B",code="OK"} 3
      assay_calls_total{method="/a/B",code="quote\" slash\\ line\n"} 1
      # HELP assay_load Asked when read
      # TYPE assay_load gauge
      assay_load 0.25
      # HELP assay_open_streams Streams now
      # TYPE assay_open_streams gauge
      assay_open_streams -2

      """#
    #expect(metrics.snapshot().prometheusText == expected)
  }

  @Test func `a histogram shows ranges, sum and count`() throws {
    let metrics = Metrics()
    let sizes = metrics.histogram(
      "assay_size", help: "Sizes", scale: .pieces, labels: [.method])("m")
    for value: UInt64 in [0, 1, 2, 3, 4, 5, 65_536, 65_537, 1_000_000] { sizes.record(value) }
    let text = metrics.snapshot().prometheusText
    #expect(text.contains("# TYPE assay_size histogram\n"))
    #expect(text.contains("assay_size_bucket{method=\"m\",le=\"1\"} 2\n"))
    #expect(text.contains("assay_size_bucket{method=\"m\",le=\"2\"} 3\n"))
    #expect(text.contains("assay_size_bucket{method=\"m\",le=\"4\"} 5\n"))
    #expect(text.contains("assay_size_bucket{method=\"m\",le=\"8\"} 6\n"))
    #expect(text.contains("assay_size_bucket{method=\"m\",le=\"65536\"} 7\n"))
    #expect(text.contains("assay_size_bucket{method=\"m\",le=\"+Inf\"} 9\n"))
    #expect(text.contains("assay_size_sum{method=\"m\"} 1131088\n"))
    #expect(text.contains("assay_size_count{method=\"m\"} 9\n"))
  }

  @Test func `durations fall into the range that ends above them`() throws {
    let histogram = Histogram(scale: .seconds)
    histogram.record(.nanoseconds(1000))
    histogram.record(.nanoseconds(1001))
    histogram.record(.seconds(-1))
    histogram.record(.seconds(100))
    histogram.record(.seconds(Int64.max))
    let snapshot = histogram.snapshot()
    #expect(snapshot.bounds.first == 1e-6)
    #expect(snapshot.bounds.last == 67.108864)
    #expect(snapshot.cumulative.prefix(2) == [2, 3])
    #expect(snapshot.cumulative.last == 5)
    #expect(snapshot.quantile(0.5) == 2e-6)
    #expect(snapshot.quantile(0) == 1e-6)
    #expect(snapshot.quantile(1) == .infinity)
    #expect(Histogram(scale: .bytes).snapshot().quantile(0.5) == nil)
  }

  @Test func `every value of every scale has a range`() {
    for scale in [HistogramScale.seconds, .bytes, .pieces] {
      let histogram = Histogram(scale: scale)
      var recorded: UInt64 = 0
      for shift in 0..<64 {
        for value in [UInt64(1) << shift, (UInt64(1) << shift) &- 1, (UInt64(1) << shift) + 1] {
          histogram.record(value)
          recorded += 1
        }
      }
      histogram.record(UInt64.max)
      #expect(histogram.snapshot().count == recorded + 1)
    }
  }

  @Test func `names that never end share one series`() throws {
    let metrics = Metrics(limits: MetricsLimits(seriesMax: 3))
    let peers = metrics.counter("assay_peers_total", help: "By peer", labels: [.peer])
    for number in 0..<1000 { peers("peer-\(number)").add() }
    peers(String(repeating: "x", count: 129)).add()
    peers("peer-1").add()
    let samples = try #require(metrics.snapshot().first).samples
    #expect(samples.count == 4)
    #expect(samples.map(\.labels[0].value) == ["other", "peer-0", "peer-1", "peer-2"])
    #expect(samples.map(\.value) == [.number(998), .number(1), .number(2), .number(1)])
  }

  @Test func `the same name is the same family`() {
    let metrics = Metrics()
    metrics.counter("assay_x_total", help: "x")().add()
    metrics.counter("assay_x_total", help: "x")().add(2)
    #expect(metrics.counter("assay_x_total", help: "x")().value == 3)
    #expect(metrics.snapshot().count == 1)
  }

  @Test func `no increment is lost between threads`() async {
    let metrics = Metrics()
    let counter = metrics.counter("assay_x_total", help: "x")()
    let gauge = metrics.gauge("assay_g", help: "g")()
    let histogram = metrics.histogram("assay_h", help: "h", scale: .bytes)()
    await withTaskGroup { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<5000 {
            counter.add()
            gauge.add(2)
            gauge.add(-1)
            histogram.record(UInt64(100))
          }
        }
      }
    }
    #expect(counter.value == 20_000)
    #expect(gauge.value == 20_000)
    #expect(histogram.snapshot().count == 20_000)
    #expect(histogram.snapshot().sum == 2_000_000)
  }

  @Test func `a name that is none of ours stops the program at start`() async {
    await #expect(processExitsWith: .failure) {
      _ = Metrics().counter("calls_total", help: "no prefix")
    }
    await #expect(processExitsWith: .failure) {
      let metrics = Metrics()
      _ = metrics.counter("assay_x", help: "x")
      _ = metrics.gauge("assay_x", help: "x")
    }
  }
}
