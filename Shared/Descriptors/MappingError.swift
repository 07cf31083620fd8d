package import Faults

/// Why JSON is not the message asked for, or the bytes not the message they are said to be.
package struct MappingError: Error, Equatable, Sendable {
  package enum Code: Equatable, Sendable {
    /// No such type in the descriptors.
    case unknownType
    /// `nearest` is the name that was probably meant.
    case unknownField(nearest: String?)
    case unknownEnumValue(nearest: String?)
    /// A value of the wrong kind, `expected` says which is right.
    case wrongKind(expected: String)
    case outOfRange
    /// A field given twice, once by each of its names.
    case duplicateField
    /// Two fields of one oneof.
    case oneofConflict
    case invalidBase64
    case invalidTime
    case tooDeep
    case tooLarge
    /// The bytes are not a message.
    case malformed
  }

  package let code: Code
  /// Where in the JSON, `leaves[2].name`; empty for the message itself.
  package let path: String
  package let message: String

  package init(_ code: Code, at path: String, _ message: String) {
    self.code = code
    self.path = path
    self.message = message
  }
}

extension MappingError: CustomStringConvertible {
  package var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

extension MappingError: FaultConvertible {
  package var fault: Fault {
    Fault(
      .invalidArgument, reason: "MESSAGE_NOT_MAPPED", description,
      violations: path.isEmpty
        ? [] : [Fault.FieldViolation(field: path, description: message)])
  }
}

/// Where in a JSON value the mapping is.
struct JSONPath {
  private(set) var text = ""
  private(set) var depth = 0

  func member(_ name: String) -> JSONPath {
    JSONPath(text: text.isEmpty ? name : "\(text).\(name)", depth: depth)
  }

  func element(_ index: Int) -> JSONPath { JSONPath(text: "\(text)[\(index)]", depth: depth) }

  /// A key of a map, quoted as it was written.
  func key(_ key: String) -> JSONPath { JSONPath(text: "\(text)[\"\(key)\"]", depth: depth) }

  /// The same place, one message further in.
  func entered() throws(MappingError) -> JSONPath {
    guard depth < SchemaLimits.depthMax else {
      throw MappingError(
        .tooDeep, at: text, "messages nested more than \(SchemaLimits.depthMax) deep")
    }
    return JSONPath(text: text, depth: depth + 1)
  }
}
