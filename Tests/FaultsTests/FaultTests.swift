import Faults
import Testing

@Suite struct FaultTests {
  private struct Refusal: FaultConvertible {
    var fault: Fault { Fault(.permissionDenied, reason: "CALLER_NOT_ALLOWED", "Not you.") }
  }

  private struct Surprise: Error {
    let detail = "the key is hunter2"
  }

  @Test func `codes are gRPC's, each once and none a success`() {
    #expect(Fault.Code.allCases.map(\.rawValue) == Array(1...16))
    #expect(Set(Fault.Code.allCases.map(\.name)).count == 16)
    #expect(Fault.Code(rawValue: 0) == nil)
    #expect(Fault.Code(rawValue: 17) == nil)
    #expect(Fault.Code.deadlineExceeded.name == "DEADLINE_EXCEEDED")
    #expect(Fault.Code.internal.name == "INTERNAL")
  }

  @Test func `an error that knows its fault crosses as that`() {
    let fault = Fault(describing: Refusal())
    #expect(fault == Refusal().fault)
    #expect(Fault(describing: fault) == fault)
    #expect(fault.description == "PERMISSION_DENIED CALLER_NOT_ALLOWED: Not you.")
  }

  @Test func `a cancellation crosses as one`() {
    let fault = Fault(describing: CancellationError())
    #expect(fault.code == .cancelled)
    #expect(fault.reason == "CANCELLED")
    #expect(fault.cause == nil)
  }

  @Test func `of any other error nothing crosses, and all of it stays for the log`() {
    let fault = Fault(describing: Surprise())
    #expect(fault.code == .internal)
    #expect(fault.reason == "INTERNAL")
    #expect(!fault.message.contains("hunter2"))
    #expect(!fault.description.contains("hunter2"))
    #expect(fault.facts.isEmpty)
    #expect(fault.hint == nil)
    #expect(fault.cause?.contains("hunter2") == true)
  }

  @Test func `a fault carries what is needed to act on it`() {
    let violation = Fault.FieldViolation(field: "run", description: "is empty")
    let fault = Fault(
      .resourceExhausted, reason: "LIMIT_REACHED", "Too much.", retryAfter: .seconds(2),
      hint: "Wait.", facts: ["limit": "streamsMax"], violations: [violation], cause: "x")
    var other = fault
    #expect(other == fault)
    other.retryAfter = nil
    #expect(other != fault)
    #expect(fault.facts["limit"] == "streamsMax")
    #expect(fault.violations == [violation])
  }
}
