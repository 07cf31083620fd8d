import Compose
import EventLoop
import Faults
import Machine
import MeshAddressing
import MeshContract
import RPC

extension Supervisor {
  /// While nobody listens yet.
  private static let lookPauseFirst = Duration.milliseconds(5)
  private static let lookPauseMax = Duration.milliseconds(200)
  private static let askTimeout = Duration.seconds(2)
  private static let askPause = Duration.milliseconds(250)
  /// A process that nobody can ask is taken for ready when it has run so long.
  private static let unaskedReadyDelay = Duration.milliseconds(250)

  /// Watches the health of the runner's present life until it ends.
  func beginProbe(of runner: ReplicaRunner) {
    let instance = runner.plan.instance
    let life = runner.life
    let address = runner.plan.address.flatMap { try? MeshAddress($0) }
    let check = plan.service(runner.plan.service)?.healthcheck
    let task = Task {
      if let address {
        await watchSocket(of: instance, life: life, at: address)
      } else if let check {
        await runCheck(check, of: instance, life: life)
      } else if (try? await loop.sleep(for: Self.unaskedReadyDelay)) != nil {
        report(.serving, of: instance, life: life)
      }
    }
    probes[instance] = (life, task)
  }

  private func report(
    _ health: ReplicaStateMachine.Health, of instance: String, life: Int
  ) {
    guard !Task.isCancelled else { return }
    runner(instance)?.observed(health, life: life)
  }

  // MARK: - By the replica's own socket

  private func watchSocket(of instance: String, life: Int, at address: MeshAddress) async {
    var pause = Self.lookPauseFirst
    while !Task.isCancelled {
      if await isThere(address) {
        let channel = Channel(to: address, on: loop)
        let wasHeard = await listen(to: channel, of: instance, life: life)
        await channel.shutDown()
        // A process that has just ended is told by its end.
        if let pid = runner(instance)?.pid, Processes.isRunning(pid) {
          report(.silent, of: instance, life: life)
        }
        if wasHeard { pause = Self.lookPauseFirst }
      }
      guard (try? await loop.sleep(for: pause)) != nil else { return }
      pause = min(pause * 3 / 2, Self.lookPauseMax)
    }
  }

  /// A server's socket appears under its name when it listens.
  private func isThere(_ address: MeshAddress) async -> Bool {
    guard case .unix(let path) = address else { return true }
    return Files.facts(of: path)?.kind == .socket
  }

  /// Listens until the stream breaks; answers whether anything was heard.
  private func listen(to channel: Channel, of instance: String, life: Int) async -> Bool {
    let client = HealthClient(channel)
    var wasHeard = false
    var asking: Task<Void, Never>?
    defer { asking?.cancel() }
    do {
      for try await answer in client.watch(HealthCheckRequest()) {
        wasHeard = true
        asking?.cancel()
        if answer.status == .serving {
          report(.serving, of: instance, life: life)
        } else {
          asking = Task { await askForWhom(channel, answer.status, of: instance, life: life) }
        }
      }
    } catch let fault as Fault where fault.code == .unimplemented {
      return await poll(client, of: instance, life: life)
    } catch {
      return wasHeard
    }
    return wasHeard
  }

  /// Asks a service that is not ready for whom it waits, until told to stop.
  private func askForWhom(
    _ channel: Channel, _ status: HealthCheckResponse.ServingStatus, of instance: String, life: Int
  ) async {
    while !Task.isCancelled {
      let options = CallOptions(timeout: Self.askTimeout)
      let names = try? await AdminClient(channel).info(InfoRequest(), options: options).waitingFor
      report(Self.notServing(status, names ?? []), of: instance, life: life)
      guard (try? await loop.sleep(for: Self.askPause)) != nil else { return }
    }
  }

  private static func notServing(
    _ status: HealthCheckResponse.ServingStatus, _ names: [String]
  ) -> ReplicaStateMachine.Health {
    .notServing(
      waitingFor: names,
      reason: names.isEmpty
        ? "it says \(status.name)" : "it waits for \(names.joined(separator: ", "))")
  }

  /// For servers that know Check and not Watch.
  private func poll(_ client: HealthClient, of instance: String, life: Int) async -> Bool {
    var wasHeard = false
    while !Task.isCancelled {
      let options = CallOptions(timeout: Self.askTimeout)
      guard let answer = try? await client.check(HealthCheckRequest(), options: options) else {
        return wasHeard
      }
      wasHeard = true
      report(
        answer.status == .serving ? .serving : Self.notServing(answer.status, []), of: instance,
        life: life)
      guard (try? await loop.sleep(for: Self.askPause)) != nil else { return wasHeard }
    }
    return wasHeard
  }

  // MARK: - By a command

  private func runCheck(_ check: ComposeHealthcheck, of instance: String, life: Int) async {
    var failures = 0
    while !Task.isCancelled {
      let isWell = await runs(check, of: instance)
      failures = isWell ? 0 : failures + 1
      if isWell {
        report(.serving, of: instance, life: life)
      } else if failures >= check.retries {
        report(
          .notServing(waitingFor: [], reason: "its healthcheck fails"), of: instance, life: life)
      }
      let isReady = runner(instance)?.machine.state == .ready
      let pause = isReady ? check.interval : min(check.interval, .milliseconds(500))
      guard (try? await loop.sleep(for: pause)) != nil else { return }
    }
  }

  /// Runs the command once.
  private func runs(_ check: ComposeHealthcheck, of instance: String) async -> Bool {
    guard let program = check.test.first, let runner = runner(instance) else { return false }
    let found = Surroundings.current.find(program) ?? program
    return await ProgramRun(on: loop).run(
      [found] + check.test.dropFirst(), environment: runner.plan.environment,
      in: runner.plan.workingDirectory, timeout: check.timeout
    ).isSuccess
  }
}
