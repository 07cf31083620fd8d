import Telemetry

/// Something a schema can be made of: `Setting` of any type.
package protocol SettingDeclaration: Sendable {
  var definition: SettingDefinition { get }
}

/// One setting and the type it is read as.
///
/// Without a default somebody must give it; `optional` makes one that may be absent.
package struct Setting<Value: Sendable>: SettingDeclaration {
  package let definition: SettingDefinition
  let decode: @Sendable (SettingValue) -> Value?

  init(
    _ path: String, _ kind: SettingKind, default value: SettingValue?, help: String,
    isReloadable: Bool, check: (@Sendable (SettingValue) -> String?)? = nil,
    decode: @escaping @Sendable (SettingValue) -> Value?
  ) {
    definition = SettingDefinition(
      path: path, kind: kind, help: help, isReloadable: isReloadable, defaultValue: value,
      isRequired: value == nil, check: check)
    self.decode = decode
  }

  private init(
    _ definition: SettingDefinition, decode: @escaping @Sendable (SettingValue) -> Value?
  ) {
    self.definition = definition
    self.decode = decode
  }

  /// The same setting, nil when nobody gives it.
  package var optional: Setting<Value?> {
    let decode = decode
    return Setting<Value?>(
      SettingDefinition(
        path: definition.path, kind: definition.kind, help: definition.help,
        isReloadable: definition.isReloadable, defaultValue: .absent, isRequired: false,
        check: definition.check)
    ) { value in
      value == .absent ? .some(nil) : decode(value).map(Optional.some)
    }
  }
}

extension Setting<String> {
  /// A text; `check` says what is wrong with one.
  package static func string(
    _ path: String, default value: String? = nil, help: String, isReloadable: Bool = false,
    check: (@Sendable (String) -> String?)? = nil
  ) -> Setting {
    Setting(
      path, .string, default: value.map(SettingValue.string), help: help,
      isReloadable: isReloadable,
      check: check.map { check in { @Sendable value in value.text.flatMap(check) } },
      decode: \.text)
  }

  /// Where a service is or listens, in one of the four forms that are understood.
  package static func address(
    _ path: String, default value: String? = nil, help: String, isReloadable: Bool = false
  ) -> Setting {
    Setting(
      path, .address, default: value.map(SettingValue.string), help: help,
      isReloadable: isReloadable, decode: \.text)
  }

  /// One of a few words.
  package static func choice(
    _ path: String, of words: [String], default value: String? = nil, help: String,
    isReloadable: Bool = false
  ) -> Setting {
    Setting(
      path, .choice(words), default: value.map(SettingValue.string), help: help,
      isReloadable: isReloadable, decode: \.text)
  }
}

extension Setting<Int> {
  /// A whole number within bounds.
  package static func int(
    _ path: String, default value: Int? = nil, in range: ClosedRange<Int>, help: String,
    isReloadable: Bool = false
  ) -> Setting {
    Setting(
      path, .int(Int64(range.lowerBound)...Int64(range.upperBound)),
      default: value.map { .int(Int64($0)) }, help: help, isReloadable: isReloadable
    ) { value in
      guard case .int(let number) = value else { return nil }
      return Int(number)
    }
  }

  /// A number of bytes within bounds.
  package static func bytes(
    _ path: String, default value: Int? = nil, in range: ClosedRange<Int>, help: String,
    isReloadable: Bool = false
  ) -> Setting {
    Setting(
      path, .bytes(Int64(range.lowerBound)...Int64(range.upperBound)),
      default: value.map { .bytes(Int64($0)) }, help: help, isReloadable: isReloadable
    ) { value in
      guard case .bytes(let number) = value else { return nil }
      return Int(number)
    }
  }
}

extension Setting<Bool> {
  /// Yes or no.
  package static func bool(
    _ path: String, default value: Bool? = nil, help: String, isReloadable: Bool = false
  ) -> Setting {
    Setting(
      path, .bool, default: value.map(SettingValue.bool), help: help, isReloadable: isReloadable
    ) { value in
      guard case .bool(let answer) = value else { return nil }
      return answer
    }
  }
}

extension Setting<Duration> {
  /// A length of time within bounds.
  package static func duration(
    _ path: String, default value: Duration? = nil, in range: ClosedRange<Duration>, help: String,
    isReloadable: Bool = false
  ) -> Setting {
    Setting(
      path, .duration(range), default: value.map(SettingValue.duration), help: help,
      isReloadable: isReloadable
    ) { value in
      guard case .duration(let duration) = value else { return nil }
      return duration
    }
  }
}

extension Setting<Secret> {
  /// The content of a file, without its last newline.
  package static func secret(
    _ path: String, help: String, isReloadable: Bool = false
  ) -> Setting {
    Setting(path, .secretFile, default: nil, help: help, isReloadable: isReloadable) { value in
      guard case .secret(let secret, _) = value else { return nil }
      return secret
    }
  }
}

extension Setting<[String]> {
  /// Some texts; `check` says what is wrong with one of them.
  package static func list(
    _ path: String, default value: [String]? = nil, help: String, isReloadable: Bool = false,
    check: (@Sendable (String) -> String?)? = nil
  ) -> Setting {
    Setting(
      path, .list, default: value.map(SettingValue.list), help: help, isReloadable: isReloadable,
      check: check.map { check in { @Sendable value in value.items?.lazy.compactMap(check).first }
      },
      decode: \.items)
  }
}

extension Setting<[String: String]> {
  /// Texts by name; `check` says what is wrong with one of them.
  package static func map(
    _ path: String, default value: [String: String]? = nil, help: String,
    isReloadable: Bool = false, check: (@Sendable (String, String) -> String?)? = nil
  ) -> Setting {
    Setting(
      path, .map, default: value.map(SettingValue.map), help: help, isReloadable: isReloadable,
      check: check.map { check in
        { @Sendable value in
          value.pairs?.sorted { $0.key < $1.key }.lazy.compactMap { check($0.key, $0.value) }.first
        }
      },
      decode: \.pairs)
  }
}

extension SettingValue {
  fileprivate var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  fileprivate var items: [String]? {
    guard case .list(let items) = self else { return nil }
    return items
  }

  fileprivate var pairs: [String: String]? {
    guard case .map(let pairs) = self else { return nil }
    return pairs
  }
}
