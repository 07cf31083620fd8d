import Compose
import Faults
import Supervisor
import Testing

@Suite struct SupervisorPlanTests {
  private func place(_ environment: [String: String] = [:]) -> Surroundings {
    Surroundings(
      environment: environment.merging(["PATH": "/usr/bin:rel:/bin", "HOME": "/h"]) { own, _ in own
      },
      user: 1000, executableFolder: "/opt/assay", workingDirectory: "/src"
    ) { ["/opt/assay/assay-store", "/usr/bin/sh", "/opt/assay/sh", "/src/bin/own"].contains($0) }
  }

  private func store() -> ComposeService {
    var service = ComposeService(
      name: "store", line: 7, command: ["assay-store", "--data", "/var/lib/assay/store/db"],
      environment: [
        ("ASSAY_MESH_LISTEN", "unix-dir:/run/assay/store"),
        ("ASSAY_IDENTITY_UIDS", "store=20001,gateway=20002"), ("FROM_OUTSIDE", nil),
        ("NOT_SET", nil),
      ],
      mounts: [
        ComposeMount(source: .volume("sockets"), target: "/run/assay/store"),
        ComposeMount(source: .volume("data"), target: "/var/lib/assay/store"),
        ComposeMount(source: .bind("./conf"), target: "/etc/assay", isReadOnly: true),
        ComposeMount(source: .anonymous, target: "/cache"),
      ], restart: .always, replicas: 2)
    service.stopGracePeriod = .seconds(9)
    return service
  }

  private func file(_ services: [ComposeService]) -> ComposeFile {
    ComposeFile(
      path: "sub/compose.yaml", project: "demo", services: services,
      volumes: [
        ComposeVolume(name: "sockets", isTemporary: true),
        ComposeVolume(name: "data", isTemporary: false),
      ])
  }

  @Test func `a service becomes a process with the machine's own paths`() throws {
    let outside = place(["FROM_OUTSIDE": "yes", "SECRET_OF_MINE": "no", "XDG_RUNTIME_DIR": "/x"])
    let plan = try SupervisorPlan(file([store()]), in: outside)
    let service = try #require(plan.service("store"))
    #expect(plan.run.path == "/x/assay/demo")
    #expect(service.executable == "/opt/assay/assay-store")
    #expect(service.arguments == ["--data", "/h/.local/state/assay/demo/data/db"])
    #expect(service.policy.stopGrace == .seconds(9))
    #expect(service.listening == .folder("/x/assay/demo/v/sockets"))
    #expect(
      service.folders == [
        "/x/assay/demo/v/sockets", "/h/.local/state/assay/demo/data", "/x/assay/demo/v/store.4",
      ])
    let replica = service.replica(2)
    #expect(replica.instance == "store-2")
    #expect(replica.socketPath == "/x/assay/demo/v/sockets/store-2.sock")
    #expect(replica.logPath == "/x/assay/demo/logs/store-2.log")
    #expect(
      replica.environment == [
        "ASSAY_IDENTITY_UIDS": "store=1000,gateway=1000", "ASSAY_MESH_INSTANCE": "store-2",
        "ASSAY_MESH_LISTEN": "unix-dir:/x/assay/demo/v/sockets", "FROM_OUTSIDE": "yes",
        "HOME": "/h", "PATH": "/usr/bin:rel:/bin", "SWIFT_BACKTRACE": "enable=no",
        "TMPDIR": "/x/assay/demo/tmp/store-2",
      ])
  }

  @Test func `scale replaces the file's number, within limits`() throws {
    #expect(try SupervisorPlan(file([store()]), in: place()).service("store")?.replicas == 2)
    let scaled = try SupervisorPlan(file([store()]), scale: ["store": 0], in: place())
    #expect(scaled.service("store")?.replicas == 0)
    for count in [-1, ComposeLimits.replicasMax + 1] {
      let fault = #expect(throws: Fault.self) {
        try SupervisorPlan(file([store()]), scale: ["store": count], in: place())
      }
      #expect(fault?.reason == "TOO_MANY_REPLICAS")
    }
    let unknown = #expect(throws: Fault.self) {
      try SupervisorPlan(file([store()]), scale: ["stor": 1], in: place())
    }
    #expect(unknown?.hint == "did you mean store?")
  }

  @Test func `a program is found beside assay first, then in absolute parts of PATH`() {
    #expect(place().find("sh") == "/opt/assay/sh")
    #expect(place().find("bin/own") == "/src/bin/own")
    #expect(place().find("./bin/../bin/own") == "/src/bin/own")
    #expect(place().find("nothing") == nil)
    #expect(place().find("") == nil)
  }

  @Test func `a program that is not there is told with its place in the file`() {
    var service = store()
    service.command = ["assay-stor"]
    let fault = #expect(throws: Fault.self) { try SupervisorPlan(file([service]), in: place()) }
    #expect(fault?.reason == "PROGRAM_NOT_FOUND")
    #expect(fault?.message.hasPrefix("sub/compose.yaml:7: service store: ") == true)
  }

  @Test func `two replicas cannot share one fixed address`() {
    var service = store()
    service.environment = [("ASSAY_MESH_LISTEN", "tcp://127.0.0.1:7000")]
    let fault = #expect(throws: Fault.self) { try SupervisorPlan(file([service]), in: place()) }
    #expect(fault?.reason == "FIXED_ADDRESS")
  }

  @Test func `a socket path that would be too long is refused with the bytes to save`() throws {
    // "/" + x + "/v/sockets/store-32.sock" + ".4194304.tmp" is 107 bytes with 70 letters.
    let fits = "/" + String(repeating: "x", count: 107 - 12 - 24 - 1)
    _ = try SupervisorPlan(file([store()]), in: place(["ASSAY_RUN_DIR": fits]))
    let fault = #expect(throws: Fault.self) {
      try SupervisorPlan(file([store()]), in: place(["ASSAY_RUN_DIR": fits + "yy"]))
    }
    #expect(fault?.reason == "SOCKET_PATH_TOO_LONG")
    #expect(fault?.hint == "set ASSAY_RUN_DIR to a path that is 2 bytes shorter")
  }

  @Test func `services of a profile run only when it is asked for`() throws {
    var extra = store()
    extra.name = "extra"
    extra.profiles = ["debug"]
    let quiet = try SupervisorPlan(file([store(), extra]), in: place())
    #expect(quiet.services.map(\.name) == ["store"])
    let full = try SupervisorPlan(file([store(), extra]), profiles: ["debug"], in: place())
    #expect(full.services.map(\.name) == ["store", "extra"])
  }

  @Test(arguments: [
    (["ASSAY_RUN_DIR": "/r"], "/r", "/r/data"),
    (["ASSAY_RUN_DIR": "r/../q"], "/src/q", "/src/q/data"),
    (["XDG_RUNTIME_DIR": "/x"], "/x/assay/p", "/h/.local/state/assay/p"),
    (["XDG_RUNTIME_DIR": ""], "/tmp/assay-1000/p", "/h/.local/state/assay/p"),
    (["XDG_STATE_HOME": "/s"], "/tmp/assay-1000/p", "/s/assay/p"),
    (["ASSAY_DATA_DIR": "/d"], "/tmp/assay-1000/p", "/d"),
  ])
  func `the run directory follows the environment`(
    _ environment: [String: String], _ path: String, _ data: String
  ) {
    let run = RunDirectory.locate(project: "p", in: place(environment))
    #expect(run.path == path)
    #expect(run.dataPath == data)
  }
}
