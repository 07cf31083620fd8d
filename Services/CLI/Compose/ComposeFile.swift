// Compose: compose.yaml as checked values, for running the mesh as plain processes. It reads the
// keys of the Compose specification that mean something to a process, accepts those that only a
// container engine can honour and says which they are, and refuses what it does not know or
// cannot do, with file and line and the nearest known name. It starts nothing and looks at no
// file but the one it is given. Limits: `ComposeLimits`.

/// A compose.yaml that has passed every check.
package struct ComposeFile: Equatable, Sendable {
  /// The file as it was named, for messages.
  package var path: String
  /// Of the file, or of its directory: names the run directory.
  package var project: String
  /// In the order of the file.
  package var services: [ComposeService]
  package var volumes: [ComposeVolume]
  /// What the file asks for and plain processes do not have, each with its reason.
  package var remarks: [ComposeRemark]
  /// Variables of the environment that the file looks at.
  package var usedVariables: Set<String> = []

  package init(
    path: String, project: String, services: [ComposeService], volumes: [ComposeVolume] = [],
    remarks: [ComposeRemark] = []
  ) {
    self.path = path
    self.project = project
    self.services = services
    self.volumes = volumes
    self.remarks = remarks
  }

  /// The service of that name.
  package func service(_ name: String) -> ComposeService? {
    services.first { $0.name == name }
  }

  /// The volume of that name.
  package func volume(_ name: String) -> ComposeVolume? {
    volumes.first { $0.name == name }
  }

  /// Each service behind all those it depends on; otherwise in the order of the file.
  package var startOrder: [ComposeService] {
    var placed: Set<String> = []
    var order: [ComposeService] = []
    while order.count < services.count {
      let next = services.filter {
        !placed.contains($0.name) && $0.dependsOn.allSatisfy(placed.contains)
      }
      // The reader has refused cycles; a file made by hand ends here instead of looping.
      guard !next.isEmpty else { return order }
      order += next
      placed.formUnion(next.map(\.name))
    }
    return order
  }
}

/// One service of a compose file.
package struct ComposeService: Equatable, Sendable {
  package var name: String
  /// Where it stands in the file.
  package var line: Int
  /// Entry point and command together; never empty.
  package var command: [String]
  /// In the order of the file; a nil value is taken from the environment of `assay up`.
  package var environment: [(name: String, value: String?)]
  package var mounts: [ComposeMount]
  package var dependsOn: [String]
  package var restart: RestartPolicy
  package var healthcheck: ComposeHealthcheck?
  package var replicas: Int
  /// How long a process may take to end before it is killed.
  package var stopGracePeriod: Duration?
  /// Whether a rolling restart stops the old replica before it starts the new one.
  package var stopsFirst: Bool
  package var workingDirectory: String?
  /// Not started unless one of these is asked for.
  package var profiles: [String]

  package init(
    name: String, line: Int = 0, command: [String],
    environment: [(name: String, value: String?)] = [], mounts: [ComposeMount] = [],
    dependsOn: [String] = [], restart: RestartPolicy = .no,
    healthcheck: ComposeHealthcheck? = nil, replicas: Int = 1
  ) {
    self.name = name
    self.line = line
    self.command = command
    self.environment = environment
    self.mounts = mounts
    self.dependsOn = dependsOn
    self.restart = restart
    self.healthcheck = healthcheck
    self.replicas = replicas
    self.stopsFirst = false
    self.profiles = []
  }

  package static func == (left: ComposeService, right: ComposeService) -> Bool {
    left.name == right.name && left.line == right.line && left.command == right.command
      && left.environment.elementsEqual(right.environment) { $0 == $1 }
      && left.mounts == right.mounts && left.dependsOn == right.dependsOn
      && left.restart == right.restart && left.healthcheck == right.healthcheck
      && left.replicas == right.replicas && left.stopGracePeriod == right.stopGracePeriod
      && left.stopsFirst == right.stopsFirst && left.workingDirectory == right.workingDirectory
      && left.profiles == right.profiles
  }
}

/// When a process that has ended is started again.
package enum RestartPolicy: Equatable, Sendable {
  case no
  /// After a failure, at most so many times in a row when a number is given.
  case onFailure(max: Int?)
  /// However it ended; `unless-stopped` means the same here, where stopping is forgetting.
  case always
}

/// Something of this machine that a service sees under a path of its own.
package struct ComposeMount: Equatable, Sendable {
  package enum Source: Equatable, Sendable {
    /// A named volume of the file.
    case volume(String)
    /// A path of this machine, absolute or relative to the compose file.
    case bind(String)
    /// A volume without a name: one for each replica.
    case anonymous
  }

  package var source: Source
  package var target: String
  package var isReadOnly: Bool

  package init(source: Source, target: String, isReadOnly: Bool = false) {
    self.source = source
    self.target = target
    self.isReadOnly = isReadOnly
  }
}

/// A named volume.
package struct ComposeVolume: Equatable, Sendable {
  package var name: String
  /// A tmpfs is a scratch folder: it goes with `assay down`. Anything else holds data that stays.
  package var isTemporary: Bool

  package init(name: String, isTemporary: Bool) {
    self.name = name
    self.isTemporary = isTemporary
  }
}

/// How a container engine would find out whether a service is well.
package struct ComposeHealthcheck: Equatable, Sendable {
  /// The program and its arguments.
  package var test: [String]
  package var interval: Duration
  package var timeout: Duration
  package var retries: Int
  package var startPeriod: Duration

  package init(
    test: [String], interval: Duration = .seconds(30), timeout: Duration = .seconds(30),
    retries: Int = 3, startPeriod: Duration = .zero
  ) {
    self.test = test
    self.interval = interval
    self.timeout = timeout
    self.retries = retries
    self.startPeriod = startPeriod
  }
}

/// Something the file says that has no effect on plain processes.
package struct ComposeRemark: Equatable, Sendable {
  /// `services.store.network_mode`.
  package var key: String
  package var line: Int
  /// Why it has none.
  package var reason: String

  package init(key: String, line: Int, reason: String) {
    self.key = key
    self.line = line
    self.reason = reason
  }
}

/// Bounds on a compose file.
package enum ComposeLimits {
  package static let fileBytesMax = 1 << 20
  package static let servicesMax = 64
  /// Replicas of one service.
  package static let replicasMax = 32
  package static let mountsMax = 64
  package static let variablesMax = 512
  /// Problems told at once; more would hide the first.
  package static let problemsMax = 20
  /// `${A:-${B:-…}}` inside one another.
  package static let interpolationDepthMax = 8
  package static let interpolatedBytesMax = 64 << 10
}
