package import Telemetry

/// A value that has passed its checks.
package enum SettingValue: Equatable, Sendable {
  /// Nobody said, and nobody must.
  case absent
  case string(String)
  case int(Int64)
  case bool(Bool)
  case duration(Duration)
  case bytes(Int64)
  case secret(Secret, path: String)
  case list([String])
  case map([String: String])

  /// As a person may see it: of a secret only where it comes from.
  package var shown: String {
    switch self {
    case .absent: "(not set)"
    case .string(let text): text
    case .int(let value): String(value)
    case .bool(let value): value ? "true" : "false"
    case .duration(let value): Quantity.text(value)
    case .bytes(let value): Quantity.bytesText(value)
    case .secret(_, let path): "\(Secret.redacted) from \(path)"
    case .list(let items): items.joined(separator: ",")
    case .map(let items):
      items.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
  }
}

/// Where a value comes from.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
  case flag(String)
  case environment(String)
  case file(String, line: Int)
  case byDefault

  /// `--mesh.listen`, `ASSAY_MESH_LISTEN`, `assay.yaml:12`, `default`
  package var description: String {
    switch self {
    case .flag(let name), .environment(let name): name
    case .file(let path, let line): "\(path):\(line)"
    case .byDefault: "default"
    }
  }
}
