import EventLoop
import Faults
import Glibc
import RPC
import Testing

@Suite(.timeLimit(.minutes(1))) struct IdentityTests {
  private func call(_ method: MethodDescriptor, _ callers: CallerTable) async throws -> String {
    let mesh = try TestMesh(callers: callers)
    defer { mesh.stop() }
    let answer: RawMessage = try await mesh.channel().unary(
      method, RawMessage("x"), options: CallOptions())
    return answer.text
  }

  @Test func `the server's own account may call everything`() async throws {
    let table = CallerTable(ownUID: getuid())
    #expect(try await call(TestMethods.secret, table) == "x")
  }

  @Test func `a named caller may call what its name is listed for`() async throws {
    let gateway = CallerTable(uids: ["gateway": getuid()], ownUID: getuid() + 1)
    #expect(try await call(TestMethods.secret, gateway) == "x")
    #expect(try await call(TestMethods.echo, gateway) == "x")
  }

  @Test func `another service and a stranger are denied`() async throws {
    let edge = CallerTable(uids: ["edge": getuid()], ownUID: getuid() + 1)
    let stranger = CallerTable(ownUID: getuid() + 1)
    for (table, method) in [
      (edge, TestMethods.secret), (stranger, TestMethods.secret), (stranger, TestMethods.echo),
    ] {
      let fault = await #expect(throws: Fault.self) { try await call(method, table) }
      #expect(fault?.code == .permissionDenied)
      #expect(fault?.reason == "CALLER_NOT_ALLOWED")
    }
  }

  @Test func `a peer that the kernel cannot vouch for has only the names given to strangers`() {
    let closed = CallerTable(ownUID: 1)
    #expect(closed.identity(of: nil).names.isEmpty)
    let open = CallerTable(ownUID: 1, namesOfStrangers: ["tester"])
    #expect(open.identity(of: nil).names == ["tester"])
  }
}
