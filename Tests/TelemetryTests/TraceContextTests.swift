import Telemetry
import TestSupport
import Testing

@Suite struct TraceContextTests {
  private let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  @Test func `a header is read and written back`() throws {
    let trace = try #require(TraceContext(traceparent: header, tracestate: "a=1, b@v=x y"))
    #expect(trace.traceID.description == "4bf92f3577b34da6a3ce929d0e0e4736")
    #expect(trace.spanID.description == "00f067aa0ba902b7")
    #expect(trace.isSampled)
    #expect(trace.traceparent == header)
    #expect(trace.tracestate == "a=1,b@v=x y")
  }

  @Test func `a child keeps the trace and has a span of its own`() throws {
    let trace = try #require(TraceContext(traceparent: header, tracestate: "a=1"))
    let child = trace.child()
    #expect(child.traceID == trace.traceID)
    #expect(child.spanID != trace.spanID)
    #expect(child.isSampled)
    #expect(child.tracestate == "a=1")
    let root = TraceContext.root(isSampled: false)
    #expect(root.traceparent.hasSuffix("-00"))
    #expect(TraceContext(traceparent: root.traceparent) == root)
    #expect(root.tracestate == nil)
  }

  @Test(arguments: [
    "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
    "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
    " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
    "00-4bf92f3577b34da6a3ce929d0e0e47é-00f067aa0ba902b7-01",
  ])
  func `what the standard refuses is refused`(header: String) {
    #expect(TraceContext(traceparent: header) == nil)
  }

  @Test func `a later version may say more`() throws {
    let later = "cc" + header.dropFirst(2) + "-what the future brings"
    let trace = try #require(TraceContext(traceparent: later))
    #expect(trace.traceparent == header)
    #expect(TraceContext(traceparent: later + String(repeating: "x", count: 300)) == nil)
  }

  @Test func `unknown flags are not passed on`() throws {
    let trace = try #require(TraceContext(traceparent: header.dropLast(2) + "fe"))
    #expect(!trace.isSampled)
    #expect(trace.traceparent.hasSuffix("-00"))
  }

  @Test(arguments: [
    "a", "=1", "a=", "A=1", "a=1,a=2", "a=b=c", "a=\u{1}", "a=é", "a b=1",
    (0..<33).map { "k\($0)=v" }.joined(separator: ","), "a=" + String(repeating: "x", count: 257),
    "a=" + String(repeating: "x", count: 600),
  ])
  func `a bad tracestate is dropped without harm`(state: String) throws {
    let trace = try #require(TraceContext(traceparent: header, tracestate: state))
    #expect(trace.tracestate == nil)
    #expect(trace.traceparent == header)
  }

  @Test func `every beginning of a header is refused`() {
    for count in 0..<header.count {
      #expect(TraceContext(traceparent: String(header.prefix(count))) == nil)
    }
  }

  @Test func `random headers never trap`() {
    var random = SeededRandom("TraceContextTests")
    for _ in 0..<10_000 {
      let parent = String(decoding: random.mutation(of: [UInt8](header.utf8)), as: UTF8.self)
      let state = String(
        decoding: random.bytes(countMax: 40, from: [UInt8]("a=,@ 1é".utf8)), as: UTF8.self)
      guard let trace = TraceContext(traceparent: parent, tracestate: state) else { continue }
      #expect(TraceContext(traceparent: trace.traceparent, tracestate: trace.tracestate) == trace)
    }
  }

  @Test func `ids do not repeat, from any thread`() async {
    let all = await withTaskGroup(of: [SpanID].self) { group in
      for _ in 0..<4 { group.addTask { (0..<5000).map { _ in SpanID.random() } } }
      return await group.reduce(into: Set<SpanID>()) { $0.formUnion($1) }
    }
    #expect(all.count == 20_000)
    #expect(TraceID.random() != TraceID.random())
  }
}
