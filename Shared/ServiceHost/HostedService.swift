import Configuration
import EventLoop
import Faults
import Glibc
import Lifecycle
import Machine
import MeshAddressing
import MeshContract
import RPC
import Telemetry

/// One service from its first socket to its last: open, serve, wait for peers, drain.
struct HostedService: Sendable {
  let blueprint: ServiceBlueprint
  let configuration: ConfigurationStore
  let instance: String
  let logger: Logger
  let loop: EventLoop
  let notifier: ServiceNotifier

  /// What every socket serves beside the service's own.
  private static let standardNames = [
    HealthMethods.descriptor.name, AdminMethods.descriptor.name,
    ReflectionV1ServerReflectionMethods.descriptor.name,
    ReflectionV1AlphaServerReflectionMethods.descriptor.name,
  ]

  /// Answers the exit code; every way out has been logged by then.
  func run() async -> Int32 {
    do {
      return try await serve()
    } catch {
      let fault = Fault(describing: error)
      logger.error(
        "the service cannot run",
        [
          .reason: .string(fault.reason), .error: .string(fault.cause ?? fault.message),
          .hint: .string(fault.hint ?? ""),
        ])
      return 1
    }
  }

  private func serve() async throws -> Int32 {
    let values = configuration.current
    let metrics = Metrics()
    let channels = try openChannels(values, metrics)
    let facts = makeFacts(metrics)
    let parts = try await blueprint.open(
      ServiceEnvironment(
        loop: loop, instance: instance, configuration: configuration, logger: logger,
        metrics: metrics,
        channels: channels))
    let own = parts.definitions
    let health = HealthRegistry(services: own.map(\.descriptor.name) + HostedService.standardNames)
    let server = try makeServer(own, health, facts, metrics)
    try await listen(server, values)
    let channelsMember = LifecycleMember("channels") {
      await ShutdownSignal.current?.wait()
      for channel in channels.values { await channel.shutDown() }
    }
    let serverMember = LifecycleMember("server") {
      await ShutdownSignal.current?.wait()
      await server.drain()
    }
    let readinessMember = LifecycleMember("readiness") {
      try await stayReady(channels, facts, health)
    }
    // Stopped from the last to the first.
    let lifecycle = Lifecycle(
      [channelsMember] + parts.beneath + [serverMember] + parts.beside + [readinessMember],
      on: loop, logger: logger, notifier: notifier,
      onReload: {
        reload()
        parts.reload?()
      })
    facts.connect(server) { lifecycle.stop() }
    let outcome = try await lifecycle.run()
    logger.info("stopped", [.code: .int(outcome.exitCode)])
    return outcome.exitCode
  }

  private func makeFacts(_ metrics: Metrics) -> HostFacts {
    HostFacts(
      service: blueprint.name, instance: instance, pid: getpid(), metrics: metrics,
      configuration: { [configuration] in
        configuration.current.entries.map { entry in
          HostFacts.ConfigurationLine(
            key: entry.definition.path, value: entry.value.shown,
            origin: entry.origin.description)
        }
      })
  }

  /// SIGHUP: what may change while running does, the rest is named.
  private func reload() {
    do {
      let outcome = try configuration.reload()
      if let level = LogLevel(name: configuration.current[HostSettings.logLevel]) {
        logger.sink.level = level
      }
      logger.info(
        "configuration read again",
        [
          .count: .int(outcome.changed.count),
          .setting: .string(outcome.needsRestart.joined(separator: ",")),
        ])
    } catch {
      logger.error(
        "the new configuration was refused; the old one stays",
        [.error: .string(error.description)])
    }
  }

  private func openChannels(
    _ values: ConfigurationValues, _ metrics: Metrics
  ) throws -> [String: Channel] {
    var options = ChannelOptions()
    options.interceptors = [ClientTraceInterceptor(), ClientMetricsInterceptor(metrics)]
    var channels: [String: Channel] = [:]
    for name in blueprint.calls {
      guard let address = values[HostSettings.peer(name)] else {
        throw Fault(
          .failedPrecondition, reason: "PEER_ADDRESS_MISSING",
          "\(blueprint.name) calls \(name), and nobody says where that is.",
          hint: "Set \(HostSettings.peer(name).definition.variable), for example "
            + "to unix-dir:/run/assay/\(name).")
      }
      channels[name] = Channel(to: try MeshAddress(address), on: loop, options: options)
    }
    return channels
  }

  private func makeServer(
    _ own: [ServiceDefinition], _ health: HealthRegistry, _ facts: HostFacts, _ metrics: Metrics
  ) throws -> Server {
    let values = configuration.current
    let uids = values[HostSettings.uids].compactMapValues { UInt32($0) }
    var options = ServerOptions(
      callers: CallerTable(
        uids: uids, ownUID: getuid(),
        namesOfStrangers: Set(values[HostSettings.strangers])))
    options.limits.connectionsMax = values[HostSettings.connections]
    options.onEvent = { [logger] event in ServerEventLog(logger: logger).write(event) }
    let standard = [
      HealthService(registry: health).definition, AdminService(facts: facts).definition,
    ]
    let reflected =
      (own + standard).map(\.descriptor)
      + [ReflectionV1ServerReflectionMethods.descriptor]
      + [ReflectionV1AlphaServerReflectionMethods.descriptor]
    let index = try ReflectionIndex(reflected)
    let services = own + standard + ReflectionService(index: index).definitions
    options.interceptors = [
      TraceInterceptor(),
      MetricsInterceptor(metrics, methods: services.flatMap(\.descriptor.methods)),
      AdmissionInterceptor(
        callsMax: values[HostSettings.callsRunning],
        exempt: Set(HostedService.standardNames)),
    ]
    return Server(loop: loop, services: services, options: options)
  }

  private func listen(_ server: Server, _ values: ConfigurationValues) async throws {
    let inherited = try InheritedSocket.take(environment: EnvironmentVariables.current)
    for socket in inherited { try await server.listen(inherited: socket.descriptor) }
    guard let text = values[HostSettings.listen] else {
      guard inherited.isEmpty else { return }
      throw Fault(
        .failedPrecondition, reason: "LISTEN_ADDRESS_MISSING",
        "Nobody says where \(blueprint.name) shall listen.",
        hint: "Set \(HostSettings.listen.definition.variable), for example "
          + "to unix-dir:/run/assay/\(blueprint.name).")
    }
    let mode = UInt32(values[HostSettings.socketMode], radix: 8) ?? 0o660
    let bound = try await server.listen(on: try MeshAddress(text), instance: instance, mode: mode)
    logger.info("listening", [.address: .string(bound.description)])
  }

  /// Serves once all peers do, until the process is told to stop.
  private func stayReady(
    _ channels: [String: Channel], _ facts: HostFacts, _ health: HealthRegistry
  ) async throws {
    let wait = PeerWait(channels: channels, loop: loop) { [logger, notifier] missing in
      facts.set(waitingFor: missing)
      guard !missing.isEmpty else { return }
      let names = missing.joined(separator: ", ")
      logger.info("waiting", [.peer: .string(names)])
      notifier.status("waiting for \(names)")
    }
    // Whoever waits long for a neighbour need not hold meanwhile what only its start needed.
    loop.execute { [loop] in
      loop.schedule(after: .milliseconds(300)) { Processes.giveBackStartPages() }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(executorPreference: loop) {
        try await wait.run()
        health.set(.serving)
        facts.set(ready: true)
        notifier.ready()
        let elapsed = ContinuousClock.now - facts.startedMonotonic
        logger.info("ready", [.durationMS: .milliseconds(elapsed)])
        Processes.giveBackStartPages()
      }
      await ShutdownSignal.current?.wait()
      group.cancelAll()
      // Whoever balances over this replica leaves it before the drain begins.
      health.close()
      facts.set(ready: false)
      while let result = await group.nextResult() {
        if case .failure(let error) = result, !(error is CancellationError),
          (error as? Fault)?.code != .cancelled
        {
          throw error
        }
      }
    }
  }
}

/// What a server reports, as log records.
private struct ServerEventLog {
  let logger: Logger

  func write(_ event: ServerEvent) {
    let fields: LogFields = [
      .peer: .string(event.peer), .connection: .string(event.connection),
    ]
    switch event.kind {
    case .limit:
      logger.warning(
        "a limit stopped a peer", fields.merging([.limit: .string(event.detail)]))
    case .callerRefused:
      logger.warning("a caller was refused", fields)
    case .handlerFailed:
      logger.error("a handler failed", fields.merging([.error: .string(event.detail)]))
    case .connectionLost:
      logger.info("a connection broke", fields.merging([.error: .string(event.detail)]))
    case .peerLeft:
      logger.debug("a peer left", fields.merging([.error: .string(event.detail)]))
    }
  }
}
