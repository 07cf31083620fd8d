/// What one setting is called, takes and does.
package struct SettingDefinition: Sendable {
  /// `mesh.listen`
  package let path: String
  package let kind: SettingKind
  package let help: String
  /// Whether a new value takes effect without a restart.
  package let isReloadable: Bool
  /// What it is when nobody says; nil when somebody must, or when it may be absent.
  package let defaultValue: SettingValue?
  package let isRequired: Bool
  /// What else a value must fulfil: the answer says what is wrong.
  let check: (@Sendable (SettingValue) -> String?)?

  /// `ASSAY_MESH_LISTEN`
  package var variable: String { Self.variable(of: path) }
  /// `--mesh.listen`
  package var flag: String { "--\(path)" }

  /// Whether the default would be accepted if somebody wrote it.
  var isDefaultValid: Bool {
    guard let defaultValue, defaultValue != .absent else { return true }
    return (try? kind.read(.text(defaultValue.shown))) == defaultValue
      && check?(defaultValue) == nil
  }

  static func variable(of path: String) -> String {
    "ASSAY_"
      + String(path.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
  }
}

/// What kind of value a setting takes.
package enum SettingKind: Equatable, Sendable {
  case string
  case int(ClosedRange<Int64>)
  case bool
  /// `250ms`, `5s`, `1m30s`, `2h`, `7d`
  case duration(ClosedRange<Duration>)
  /// `4096`, `64KiB`, `1.5MiB`, `2GB`
  case bytes(ClosedRange<Int64>)
  /// `unix:/path`, `unix-dir:/directory`, `tcp://host:port`, `dns:///name:port`
  case address
  /// One of these words.
  case choice([String])
  /// The path of a file that holds the value, or `credential:NAME` for one that systemd gave.
  case secretFile
  /// A list, or one text with commas.
  case list
  /// A mapping, or one text as `a=1,b=2`.
  case map
}

extension SettingKind {
  /// What it takes, for help texts.
  package var hint: String {
    switch self {
    case .string: "text"
    case .int(let range): "whole number from \(range.lowerBound) to \(range.upperBound)"
    case .bool: "true or false"
    case .duration(let range):
      "duration from \(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound))"
    case .bytes(let range):
      "size from \(Quantity.bytesText(range.lowerBound)) to \(Quantity.bytesText(range.upperBound))"
    case .address: "address"
    case .choice(let words): words.joined(separator: " | ")
    case .secretFile: "file with a secret"
    case .list: "list"
    case .map: "mapping"
    }
  }
}
