import Configuration
import Glibc
import Telemetry

/// Settings of every kind.
enum Sample {
  static let listen = Setting.address("mesh.listen", help: "where this service listens")
  static let store = Setting.address("mesh.store", help: "where Store is").optional
  static let level = Setting.choice(
    "log.level", of: ["debug", "info", "warning"], default: "info", help: "least level",
    isReloadable: true)
  static let name = Setting.string(
    "service.name", default: "unnamed", help: "a name", isReloadable: true,
    check: { $0.contains(" ") ? "holds a space" : nil })
  static let workers = Setting.int("service.workers", default: 4, in: 1...64, help: "threads")
  static let isTraced = Setting.bool("service.trace", default: false, help: "trace everything")
  static let timeout = Setting.duration(
    "service.call-timeout", default: .seconds(5), in: .milliseconds(1)...(.seconds(3600)),
    help: "per call", isReloadable: true)
  static let cache = Setting.bytes(
    "service.cache_size", default: 64 << 20, in: 0...(1 << 30), help: "memory")
  static let key = Setting.secret("service.key_file", help: "the key", isReloadable: true).optional
  static let tags = Setting.list("service.tags", default: [], help: "tags", isReloadable: true)
  static let uids = Setting.map(
    "identity.uids", default: [:], help: "who is who",
    check: { UInt32($1) == nil ? "'\($0)' has no uid" : nil })
  static let deep = Setting.int("a.b.c", in: 0...9, help: "three levels down").optional

  static let all: [any SettingDeclaration] = [
    listen, store, level, name, workers, isTraced, timeout, cache, key, tags, uids, deep,
  ]
  static let schema = ConfigurationSchema(
    all, foreignSections: ["gateway"], foreignVariables: ["ASSAY_VERSION"])
  static let reader = ConfigurationReader(schema: schema)

  /// What is wrong with a file that also sets what must be set.
  static func problems(inFile text: String) -> [String] {
    do {
      _ = try reader.parse([UInt8](("mesh: {listen: 'unix:/l'}\n" + text).utf8))
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  static func problems(
    arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
  ) -> [String] {
    var environment = environment
    if environment["ASSAY_MESH_LISTEN"] == nil { environment["ASSAY_MESH_LISTEN"] = "unix:/l" }
    do {
      _ = try reader.read(
        ConfigurationSources(arguments: arguments, environment: environment, defaultFile: file))
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }
}

/// A directory of its own that goes with everything in it.
final class ScratchFiles {
  let path: String

  init() {
    var template = [CChar]("/tmp/assay-conf-XXXXXX".utf8CString)
    path = unsafe mkdtemp(&template).map { unsafe String(cString: $0) } ?? "/nonexistent"
  }

  @discardableResult
  func write(_ name: String, _ text: String, mode: mode_t = 0o600) -> String {
    let file = "\(path)/\(name)"
    let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var bytes = [UInt8](text.utf8)
    while !bytes.isEmpty {
      let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
      guard count > 0 else { break }
      bytes.removeFirst(count)
    }
    close(descriptor)
    unsafe chmod(file, mode)
    names.append(name)
    return file
  }

  func fifo(_ name: String) -> String {
    unsafe mkfifo("\(path)/\(name)", 0o600)
    names.append(name)
    return "\(path)/\(name)"
  }

  /// Replaces a file in one step, as whoever edits a live configuration should.
  func rename(_ name: String, to target: String) {
    unsafe Glibc.rename("\(path)/\(name)", "\(path)/\(target)")
  }

  private var names: [String] = []

  deinit {
    for name in names { unsafe unlink("\(path)/\(name)") }
    unsafe rmdir(path)
  }
}
