package import Configuration
import Failpoints
import Faults
import Glibc
import RPC
import Telemetry

/// The settings that every service has.
package enum HostSettings {
  /// Every service of the mesh, so that one assay.yaml can serve them all.
  package static let services = ["store", "gateway", "ingest", "orchestrator", "edge", "simulator"]

  package static let listen = Setting.address(
    "mesh.listen", help: "Where this service listens; unix-dir: makes it one of several replicas."
  ).optional
  package static let instance = Setting.string(
    "mesh.instance", help: "Which replica this is; the host's name when nobody says.",
    check: { isInstance($0) ? nil : "must be 1 to 63 letters, digits, dots or dashes" }
  ).optional
  package static let socketMode = Setting.string(
    "mesh.socket-mode", default: "0660", help: "Permissions of the socket, octal.",
    check: { UInt32($0, radix: 8).map { $0 <= 0o777 } == true ? nil : "must be octal, as 0660" })
  package static let uids = Setting.map(
    "identity.uids", default: [:], help: "Which uid is which service: store=20001,gateway=20002.",
    check: { UInt32($1) == nil ? "the uid of \($0) must be a number" : nil })
  package static let strangers = Setting.list(
    "identity.strangers", default: [],
    help: "Names given to peers over TCP, whom the kernel cannot vouch for; none unless set.")
  package static let callsRunning = Setting.int(
    "limits.calls-running", default: 1024, in: 1...100_000,
    help: "Calls that may run at once; more are refused with RESOURCE_EXHAUSTED.")
  package static let connections = Setting.int(
    "limits.connections", default: 4096, in: 1...1_000_000,
    help: "Connections that may be open at once.")
  package static let stall = Setting.duration(
    "limits.stall", default: .milliseconds(50), in: .milliseconds(1)...Duration.seconds(60),
    help: "A handler that holds the event loop longer is logged with its method.")
  package static let logLevel = Setting.choice(
    "log.level", of: LogLevel.allCases.map(\.name), default: "info",
    help: "The least severe records that are written.", isReloadable: true)
  package static let logFormat = Setting.choice(
    "log.format", of: ["auto", "json", "text"], default: "auto",
    help: "json, text for people, or whichever fits where the log goes.")

  /// Where another service is.
  package static func peer(_ name: String) -> Setting<String?> {
    Setting.address("mesh.\(name)", help: "Where \(name) is.").optional
  }

  /// The schema of one service: these, the peers', and its own.
  package static func schema(of blueprint: ServiceBlueprint) -> ConfigurationSchema {
    let common: [any SettingDeclaration] = [
      listen, instance, socketMode, uids, strangers, callsRunning, connections, stall, logLevel,
      logFormat,
    ]
    return ConfigurationSchema(
      common + services.map { peer($0) as any SettingDeclaration } + blueprint.settings,
      foreignSections: Set(services).subtracting([blueprint.name]),
      foreignVariables: [
        "ASSAY_RUN_DIR", "ASSAY_SUPERVISOR_FD", "ASSAY_VERSION", "ASSAY_BASE", Failpoint.variable,
      ])
  }

  private static func isInstance(_ text: String) -> Bool {
    (1...63).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F
      } && !text.hasPrefix(".")
  }

  static func hostName() -> String {
    var buffer = [UInt8](repeating: 0, count: 64)
    let code = unsafe buffer.withUnsafeMutableBytes { bytes -> Int32 in
      guard let start = bytes.baseAddress else { return -1 }
      return unsafe gethostname(start.assumingMemoryBound(to: CChar.self), bytes.count - 1)
    }
    let name = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    return code == 0 && isInstance(name) ? name : "local"
  }
}
