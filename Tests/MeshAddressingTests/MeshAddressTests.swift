import Faults
import MeshAddressing
import Testing

@Suite struct MeshAddressTests {
  @Test(arguments: [
    ("unix:/run/a.sock", "unix:/run/a.sock"), ("unix:///run/a.sock", "unix:/run/a.sock"),
    ("unix-dir:/run/assay/gateway", "unix-dir:/run/assay/gateway"),
    ("tcp://127.0.0.1:7000", "tcp://127.0.0.1:7000"), ("tcp://[::1]:7000", "tcp://[::1]:7000"),
    ("dns:///store:7000", "dns:///store:7000"),
  ])
  func `an address is read and printed`(_ text: String, _ printed: String) throws {
    #expect(try MeshAddress(text).description == printed)
  }

  @Test(arguments: [
    "", "/run/a.sock", "unix:", "unix-dir:", "tcp://", "tcp://host", "tcp://host:", "tcp://:1",
    "tcp://host:65536", "tcp://host:-1", "tcp://host:+1", "tcp://[]:1", "dns://host:1", "http://x",
    "unix:a\u{0}b", "unix:/" + String(repeating: "x", count: 107),
  ])
  func `what is no address says what one is`(_ text: String) {
    let error = #expect(throws: MeshAddressError.self) { _ = try MeshAddress(text) }
    #expect(error?.fault.reason == "BAD_ADDRESS")
    #expect(error?.fault.hint != nil)
  }
}
