// ServiceHost: what a service's main is made of. It reads the configuration once, opens the
// loop, the log, the server with health, reflection and Admin on every socket, a channel to each
// service that is called, says for whom it waits, and drains within five seconds when asked to
// stop. It holds no logic of any service and knows none by more than its name.
// Limits: `HostSettings`, `ServerLimits`, and the five seconds of `Lifecycle`.

import Configuration
import EventLoop
import Failpoints
import Faults
import Glibc
import Lifecycle
import Machine
import RPC
import Telemetry

/// Runs one service in this process until it is told to stop.
package enum ServiceHost {
  /// The whole of a service's main; answers the exit code.
  package static func main(
    _ blueprint: ServiceBlueprint, arguments: [String] = CommandLine.arguments
  ) -> Int32 {
    if arguments.contains("--help") || arguments.contains("-h") {
      say(help(of: blueprint), to: STDOUT_FILENO)
      return 0
    }
    if arguments.contains("--version") {
      say("assay-\(blueprint.name) \(AssayVersion.text)\n", to: STDOUT_FILENO)
      return 0
    }
    if arguments.contains(ConfigurationListing.flag) {
      var sources = ConfigurationSources.process()
      sources.arguments.removeAll { $0 == ConfigurationListing.flag }
      let listing = ConfigurationListing.make(blueprint, sources)
      say(listing.text, to: STDOUT_FILENO)
      return listing.code
    }
    do {
      let configuration = try ConfigurationStore(
        schema: HostSettings.schema(of: blueprint), sources: .process())
      return try run(blueprint, configuration)
    } catch let error as ConfigurationError {
      complain(blueprint, "CONFIGURATION_INVALID", "the configuration cannot be used")
      say(error.problems.map { "  \($0)\n" }.joined(), to: STDERR_FILENO)
      say("hint: correct it and run `assay config check`\n", to: STDERR_FILENO)
      return 2
    } catch {
      let fault = Fault(describing: error)
      complain(blueprint, fault.reason, fault.cause ?? fault.message)
      return 1
    }
  }

  private static func run(
    _ blueprint: ServiceBlueprint, _ configuration: ConfigurationStore
  ) throws -> Int32 {
    raiseDescriptorLimit()
    RuntimePool.open()
    let values = configuration.current
    let instance = values[HostSettings.instance] ?? HostSettings.hostName()
    let sink = LogSink(
      format: format(values[HostSettings.logFormat]),
      level: LogLevel(name: values[HostSettings.logLevel]) ?? .info)
    let logger = Logger(service: blueprint.name, instance: instance, to: sink)
    if let order = EnvironmentVariables.current[Failpoint.variable] {
      guard Failpoint.Order(order) != nil else {
        throw Fault(
          .invalidArgument, reason: "BAD_FAILPOINT",
          "\(Failpoint.variable) is '\(order)': it must be name:count:abort.")
      }
      logger.warning("a failpoint is armed: this process ends there", [.label: .string(order)])
    }
    var limits = EventLoopLimits()
    limits.stallLimit = values[HostSettings.stall]
    limits.onStall = { stall in
      logger.warning(
        "a handler held the loop",
        [.method: .string(stall.label), .heldMS: .milliseconds(stall.held), .limit: "stall"])
    }
    let loop = try EventLoop(name: blueprint.name, limits: limits)
    let service = HostedService(
      blueprint: blueprint, configuration: configuration, instance: instance, logger: logger,
      loop: loop, notifier: ServiceNotifier(environment: EnvironmentVariables.current))
    let code = Lifecycle.block(on: loop) { await service.run() }
    sink.flush()
    return code ?? 1
  }

  /// Pretty for a person, JSON for everything else.
  private static func format(_ name: String) -> LogFormat {
    switch name {
    case "json": .json
    case "text": .pretty(colour: isatty(STDERR_FILENO) == 1)
    default: isatty(STDERR_FILENO) == 1 ? .pretty(colour: true) : .json
    }
  }

  /// As many descriptors as the administrator allows: connections are counted by our own limit.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func help(of blueprint: ServiceBlueprint) -> String {
    var text = """
      assay-\(blueprint.name): \(blueprint.purpose)

      usage: assay-\(blueprint.name) [--section.key=value …] [--config FILE]

      Every setting is also a variable (--mesh.listen is ASSAY_MESH_LISTEN) and a key of
      assay.yaml. Flags win over variables, variables over the file.


      """
    for definition in HostSettings.schema(of: blueprint).definitions {
      let standard = definition.defaultValue.map { " [\($0.shown)]" } ?? ""
      text += "  \(definition.flag)\(standard)\n      \(definition.help)\n"
    }
    return text
  }

  private static func complain(_ blueprint: ServiceBlueprint, _ reason: String, _ text: String) {
    say("assay-\(blueprint.name): error[\(reason)]: \(text)\n", to: STDERR_FILENO)
  }

  private static func say(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in _ = unsafe write(descriptor, bytes.baseAddress, bytes.count) }
  }
}
