import Descriptors

/// What a field is in Swift.
enum FieldShape {
  /// A value that is at its default when absent.
  case plain(Scalar)
  /// A message, or a proto3 `optional` with the name of its synthetic oneof.
  case optional(Scalar, oneof: String?)
  case repeated(Scalar)
  case map(entry: MessageSchema, key: Scalar, value: Scalar)
  /// One of several; written once for all of them.
  case choice(oneof: Int)

  init(_ field: FieldSchema, of message: MessageSchema, names: SwiftNames) throws {
    if field.isRepeated {
      let entries = message.messages.filter(\.isMapEntry)
      if let entry = entries.first(where: { $0.fullName == field.typeName }),
        let key = entry.field(number: 1), let value = entry.field(number: 2)
      {
        self = .map(
          entry: entry, key: try Scalar(key, names: names), value: try Scalar(value, names: names))
      } else {
        self = .repeated(try Scalar(field, names: names))
      }
    } else if let oneof = field.oneofIndex {
      self =
        field.isProto3Optional
        ? .optional(try Scalar(field, names: names), oneof: message.oneofs[oneof])
        : .choice(oneof: oneof)
    } else if field.kind == .message {
      self = .optional(try Scalar(field, names: names), oneof: nil)
    } else {
      self = .plain(try Scalar(field, names: names))
    }
  }
}

/// One value of a field: its Swift type, and how it comes from and goes to protobuf-c.
struct Scalar {
  enum Form {
    case number, bool, string, bytes, `enum`, message
  }

  let form: Form
  /// `Int32`, `[UInt8]`, `BadRequest.FieldViolation`.
  let type: String

  init(_ field: FieldSchema, names: SwiftNames) throws {
    switch field.kind {
    case .double: (form, type) = (.number, "Double")
    case .float: (form, type) = (.number, "Float")
    case .int32, .sint32, .sfixed32: (form, type) = (.number, "Int32")
    case .int64, .sint64, .sfixed64: (form, type) = (.number, "Int64")
    case .uint32, .fixed32: (form, type) = (.number, "UInt32")
    case .uint64, .fixed64: (form, type) = (.number, "UInt64")
    case .bool: (form, type) = (.bool, "Bool")
    case .string: (form, type) = (.string, "String")
    case .bytes: (form, type) = (.bytes, "[UInt8]")
    case .enum: (form, type) = (.enum, try names.path(field.typeName))
    case .message, .group: (form, type) = (.message, try names.path(field.typeName))
    }
  }

  /// The value of an absent field.
  var initial: String {
    switch form {
    case .number: "0"
    case .bool: "false"
    case .string: "\"\""
    case .bytes: "[]"
    case .enum, .message: "\(type)()"
    }
  }

  /// Whether reading it can throw.
  var throwsOnRead: Bool { form == .string || form == .message }

  /// Swift's value from the C expression; an optional for a message.
  func read(_ c: String, field: String) -> String {
    switch form {
    case .number: c
    case .bool: "\(c) != 0"
    case .string: "arena.string(\(c), \"\(field)\")"
    case .bytes: "arena.bytes(\(c))"
    case .enum: "\(type)(rawValue: Int32(truncatingIfNeeded: \(c).rawValue))"
    case .message: "arena.message(\(c))"
    }
  }

  /// C's value from the Swift expression.
  func write(_ value: String) -> String {
    switch form {
    case .number: value
    case .bool: "\(value) ? 1 : 0"
    case .string, .bytes: "arena.data(\(value))"
    case .enum: ".init(rawValue: .init(truncatingIfNeeded: \(value).rawValue))"
    case .message: "arena.message(\(value))"
    }
  }

  /// Swift's array from C's array of `count`.
  func readAll(_ c: String, count: String, field: String) -> String {
    switch form {
    case .number: "arena.scalars(\(c), \(count))"
    case .bool: "arena.values(\(c), \(count)) { $0 != 0 }"
    case .string: "arena.strings(\(c), \(count), \"\(field)\")"
    case .bytes: "arena.blobs(\(c), \(count))"
    case .enum:
      "arena.values(\(c), \(count)) { \(type)(rawValue: Int32(truncatingIfNeeded: $0.rawValue)) }"
    case .message: "arena.messages(\(c), \(count), \"\(field)\")"
    }
  }

  /// C's array from Swift's.
  func writeAll(_ value: String) -> String {
    switch form {
    case .number: "arena.scalars(\(value))"
    case .bool: "arena.values(\(value)) { $0 ? 1 : 0 }"
    case .string: "arena.strings(\(value))"
    case .bytes: "arena.blobs(\(value))"
    case .enum:
      "arena.values(\(value)) { .init(rawValue: .init(truncatingIfNeeded: $0.rawValue)) }"
    case .message: "arena.messages(\(value))"
    }
  }
}
