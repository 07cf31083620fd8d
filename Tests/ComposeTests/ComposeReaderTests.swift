import Compose
import Faults
import Testing

@Suite struct ComposeReaderTests {
  private func read(
    _ text: String, variables: [String: String] = [:], project: String? = nil
  ) throws -> ComposeFile {
    try ComposeReader.read(
      Array(text.utf8), path: "compose.yaml", folderName: "My Folder", project: project,
      variables: variables)
  }

  /// Every form of every key that is used.
  private static let everyForm = """
    name: demo
    x-service: &service
      restart: unless-stopped
      image: x
    services:
      store:
        <<: *service
        command: assay-store --data "/var/lib/a b"
        environment:
          A: ${A:-one}
          B: 2
          C:
          D: "no"
        volumes:
          - sockets:/run/assay/store
          - data:/var/lib/assay:rw
          - ./conf:/etc/assay:ro
          - /cache
          - {type: volume, source: data, target: /more, read_only: true}
          - {type: bind, source: /abs, target: /bound}
          - {type: tmpfs, target: /scratch}
        tmpfs: /tmp:mode=1777
        secrets: [key, {source: key, target: /other/place}]
        healthcheck:
          test: ["CMD", "assay", "health"]
          interval: 10s
          timeout: 1m30s
          retries: 5
          start_period: 2s
        deploy:
          replicas: 3
          update_config: {order: stop-first}
        stop_grace_period: 7s
        working_dir: /etc/assay
        profiles: [full]
      edge:
        entrypoint: ["assay-edge"]
        command: ["--listen", "x"]
        environment: [A=1=2, B, C=]
        depends_on:
          store: {condition: service_healthy}
        restart: on-failure:4
        scale: 2
        healthcheck: {test: "exit 0"}
    volumes:
      sockets:
        driver_opts: {type: tmpfs, device: tmpfs, o: "mode=0700"}
      data:
    secrets:
      key: {file: ./secret.txt}
    """

  @Test func `every form of every key that is used is read`() throws {
    let file = try read(Self.everyForm)
    let store = try #require(file.service("store"))
    #expect(file.project == "demo")
    #expect(store.line == 6)
    #expect(store.command == ["assay-store", "--data", "/var/lib/a b"])
    #expect(store.environment.map(\.name) == ["A", "B", "C", "D"])
    #expect(store.environment.map(\.value) == ["one", "2", nil, "no"])
    #expect(
      store.mounts == [
        ComposeMount(source: .volume("sockets"), target: "/run/assay/store"),
        ComposeMount(source: .volume("data"), target: "/var/lib/assay"),
        ComposeMount(source: .bind("./conf"), target: "/etc/assay", isReadOnly: true),
        ComposeMount(source: .anonymous, target: "/cache"),
        ComposeMount(source: .volume("data"), target: "/more", isReadOnly: true),
        ComposeMount(source: .bind("/abs"), target: "/bound"),
        ComposeMount(source: .anonymous, target: "/scratch"),
        ComposeMount(source: .bind("./secret.txt"), target: "/run/secrets/key", isReadOnly: true),
        ComposeMount(source: .bind("./secret.txt"), target: "/other/place", isReadOnly: true),
      ])
    #expect(
      store.healthcheck
        == ComposeHealthcheck(
          test: ["assay", "health"], interval: .seconds(10), timeout: .seconds(90), retries: 5,
          startPeriod: .seconds(2)))
    #expect(store.restart == .always && store.replicas == 3 && store.stopsFirst)
    #expect(store.stopGracePeriod == .seconds(7))
    #expect(store.workingDirectory == "/etc/assay" && store.profiles == ["full"])
    let edge = try #require(file.service("edge"))
    #expect(edge.command == ["assay-edge", "--listen", "x"])
    #expect(edge.environment.map(\.value) == ["1=2", nil, ""])
    #expect(edge.dependsOn == ["store"] && edge.restart == .onFailure(max: 4))
    #expect(edge.replicas == 2)
    #expect(edge.healthcheck?.test == ["/bin/sh", "-c", "exit 0"])
    #expect(file.startOrder.map(\.name) == ["store", "edge"])
    #expect(file.volumes.map(\.isTemporary) == [true, false])
    #expect(
      file.remarks.map(\.key) == [
        "services.store.image", "services.store.tmpfs",
        "services.edge.depends_on.store.condition",
      ])
  }

  @Test(arguments: [
    ("no", RestartPolicy.no), ("\"no\"", .no), ("always", .always), ("unless-stopped", .always),
    ("on-failure", .onFailure(max: nil)), ("on-failure:0", .onFailure(max: 0)),
  ])
  func `restart policies`(_ text: String, _ policy: RestartPolicy) throws {
    let file = try read("services: {a: {command: [x], restart: \(text)}}")
    #expect(file.services.first?.restart == policy)
  }

  @Test func `a key without meaning for processes is remarked with its reason and line`() throws {
    let file = try read(
      "services:\n  a:\n    command: x\n    mem_limit: 256m\n    network_mode: none")
    #expect(file.remarks.map(\.line) == [4, 5])
    #expect(file.remarks.map(\.key) == ["services.a.mem_limit", "services.a.network_mode"])
    #expect(file.remarks[1].reason == "plain processes share this machine's network")
  }

  @Test func `a variable without a value becomes nothing and is remarked`() throws {
    let file = try read("services:\n  a:\n    command: x${NONE}y\n    environment:\n      B: $NONE")
    #expect(file.services.first?.command == ["xy"])
    #expect(
      file.remarks == [
        ComposeRemark(key: "${NONE}", line: 3, reason: "the variable is not set: nothing")
      ])
  }

  @Test func `the project is named by flag, variable, file or folder`() throws {
    let text = "name: In File\nservices: {a: {command: x}}"
    #expect(try read(text, project: "Flag").project == "flag")
    #expect(try read(text, variables: ["COMPOSE_PROJECT_NAME": "var"]).project == "var")
    #expect(try read(text, variables: ["COMPOSE_PROJECT_NAME": ""]).project == "infile")
    #expect(try read("services: {a: {command: x}}").project == "myfolder")
    #expect(try read("name: ../..\nservices: {a: {command: x}}").project == "assay")
  }

  // MARK: - Bad input

  @Test(arguments: BadComposeFile.all.indices)
  func `what is wrong is told with its line`(_ index: Int) throws {
    let sample = BadComposeFile.all[index]
    let error = #expect(throws: ComposeError.self, "\(sample.text)") { try read(sample.text) }
    let first = try #require(error?.problems.first)
    #expect(first.message == sample.message)
    #expect(first.line == sample.line, "\(sample.text)")
    #expect(first.hint == sample.hint)
  }

  @Test func `all problems are told at once, up to a limit`() {
    let two = "services:\n  a: {comand: x, command: y}\n  b: {scale: many, command: y}"
    let error = #expect(throws: ComposeError.self) { try read(two) }
    #expect(error?.problems.map(\.line) == [2, 3])
    let many = (0..<60).map { "  s\($0): {bad\($0): 1, command: x}" }.joined(separator: "\n")
    let limited = #expect(throws: ComposeError.self) { try read("services:\n" + many) }
    #expect(limited?.problems.count == ComposeLimits.problemsMax)
    #expect(limited?.fault.message.hasSuffix("(and 19 more)") == true)
  }

  @Test func `too many services or mounts are refused`() {
    let many = (0...ComposeLimits.servicesMax).map { "  s\($0): {command: x}" }
    let error = #expect(throws: ComposeError.self) {
      try read("services:\n" + many.joined(separator: "\n"))
    }
    #expect(error?.problems.first?.message == "more than 64 services (servicesMax)")
    let mounts = (0...ComposeLimits.mountsMax).map { "/m\($0)" }.joined(separator: ", ")
    #expect(throws: ComposeError.self) {
      try read("services: {a: {command: x, volumes: [\(mounts)]}}")
    }
  }

  @Test func `any beginning of a file, and any file with a byte changed, is read or refused`() {
    let whole = Array(
      """
      name: demo
      services:
        a: &a {command: "x ${Y:-z}", volumes: [v:/x:ro], environment: {A: 1}}
        b: {<<: *a, depends_on: [a], deploy: {replicas: 2}, healthcheck: {test: [CMD, x]}}
      volumes: {v: {driver_opts: {type: tmpfs}}}
      """.utf8)
    for count in whole.indices {
      _ = try? ComposeReader.read(Array(whole[..<count]), path: "c", variables: [:])
    }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      var bytes = whole
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      bytes[place] = UInt8.random(in: 0...255, using: &generator)
      _ = try? ComposeReader.read(bytes, path: "c", variables: [:])
    }
  }
}
