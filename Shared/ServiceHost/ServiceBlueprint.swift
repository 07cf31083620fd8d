package import Configuration
package import EventLoop
package import Lifecycle
package import RPC
package import Telemetry

/// What one service of the mesh is made of; its main hands this to the host and is done.
package struct ServiceBlueprint: Sendable {
  /// `store`, `gateway`, …: its name in compose.yaml, in logs and in caller tables.
  package let name: String
  /// One sentence for `--help`.
  package let purpose: String
  /// The services it calls; the host opens a channel to each and waits until they serve.
  package let calls: [String]
  /// Settings of its own, beside those of every service.
  package let settings: [any SettingDeclaration]
  /// Opens what the service stands on and binds its methods; runs once, on the loop. The service
  /// is ready no earlier than this returns.
  package let open: @Sendable (ServiceEnvironment) async throws -> ServiceParts

  package init(
    name: String, purpose: String, calls: [String] = [],
    settings: [any SettingDeclaration] = [],
    open: @escaping @Sendable (ServiceEnvironment) async throws -> ServiceParts
  ) {
    self.name = name
    self.purpose = purpose
    self.calls = calls
    self.settings = settings
    self.open = open
  }
}

/// What a service brings to its host: its methods, and what runs beside and below them.
///
/// At the end `above` is told to stop first, then the server drains, then `below` is told.
package struct ServiceParts: Sendable, ExpressibleByArrayLiteral {
  package var services: [ServiceDefinition]
  /// Work beside the calls: timers, owners of work, whoever ends streams that never end by
  /// themselves, which must happen before a drain can. The last is told first.
  package var above: [LifecycleMember]
  /// What calls stand on until the last of them has ended: queues, storage. The last is told
  /// first.
  package var below: [LifecycleMember]

  package init(
    _ services: [ServiceDefinition], above: [LifecycleMember] = [], below: [LifecycleMember] = []
  ) {
    self.services = services
    self.above = above
    self.below = below
  }

  /// Methods alone.
  package init(arrayLiteral services: ServiceDefinition...) { self.init(services) }
}

/// What the host gives to a service.
package struct ServiceEnvironment: Sendable {
  package let loop: EventLoop
  package let configuration: ConfigurationStore
  package let logger: Logger
  package let metrics: Metrics
  /// A channel to each service of `ServiceBlueprint.calls`, by name.
  package let channels: [String: Channel]
}
