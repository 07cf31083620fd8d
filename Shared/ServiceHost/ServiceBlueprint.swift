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
  /// Opens what the service stands on and binds its methods; runs once, on the loop.
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

/// What a service is when it is open.
package struct ServiceParts: Sendable, ExpressibleByArrayLiteral {
  package var definitions: [ServiceDefinition]
  /// What the methods stand on: stopped when the last call has ended, before the channels are.
  package var beneath: [LifecycleMember]
  /// Work of its own beside the calls: stopped before the server drains.
  package var beside: [LifecycleMember]
  /// Files of its own to read again on SIGHUP; called on the loop, and does not wait.
  package var reload: (@Sendable () -> Void)?

  package init(
    _ definitions: [ServiceDefinition], beneath: [LifecycleMember] = [],
    beside: [LifecycleMember] = [], reload: (@Sendable () -> Void)? = nil
  ) {
    self.definitions = definitions
    self.beneath = beneath
    self.beside = beside
    self.reload = reload
  }

  package init(arrayLiteral definitions: ServiceDefinition...) { self.init(definitions) }
}

/// What the host gives to a service.
package struct ServiceEnvironment: Sendable {
  package let loop: EventLoop
  /// Which replica this is.
  package let instance: String
  package let configuration: ConfigurationStore
  package let logger: Logger
  package let metrics: Metrics
  /// A channel to each service of `ServiceBlueprint.calls`, by name.
  package let channels: [String: Channel]
}
