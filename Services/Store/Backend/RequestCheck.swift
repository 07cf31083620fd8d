package import Faults
import JSON

/// Looks at the fields of a request, remembers all that is wrong and says it in one fault.
package struct RequestCheck {
  private var violations: [Fault.FieldViolation] = []
  /// What stands before each field's name: `facts[3].`.
  var path = ""

  package init() {}

  /// INVALID_ARGUMENT with every violation, or nothing.
  package func finish() throws(Fault) {
    guard let first = violations.first else { return }
    throw Fault(
      .invalidArgument, reason: "BAD_REQUEST", "\(first.field) \(first.description).",
      violations: violations)
  }

  package mutating func refuse(_ field: StaticString, _ description: String) {
    guard violations.count < FaultLimits.violationsMax else { return }
    violations.append(
      Fault.FieldViolation(field: path + field.description, description: description))
  }

  package mutating func expect(
    _ holds: Bool, _ field: StaticString, _ description: @autoclosure () -> String
  ) {
    if !holds { refuse(field, description()) }
  }

  /// An id, key, name or hash that must be there.
  package mutating func name(_ text: String, _ field: StaticString) {
    text.isEmpty ? refuse(field, "is empty") : optionalName(text, field)
  }

  /// An id, key, name or hash that may be absent.
  package mutating func optionalName(_ text: String, _ field: StaticString) {
    let count = text.utf8.count
    guard count <= StoreLimits.idBytesMax else {
      return refuse(field, "is longer than \(StoreLimits.idBytesMax) bytes")
    }
    // Ids stand in logs, in file names and on terminals.
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      return refuse(field, "has a control character")
    }
  }

  /// Words for people.
  package mutating func text(_ text: String, _ field: StaticString, bytesMax: Int) {
    guard text.utf8.count <= bytesMax else {
      return refuse(field, "is longer than \(bytesMax) bytes")
    }
    if text.utf8.contains(0) { refuse(field, "has a NUL") }
  }

  package mutating func bytes(_ bytes: [UInt8], _ field: StaticString, countMax: Int) {
    if bytes.count > countMax { refuse(field, "is longer than \(countMax) bytes") }
  }

  /// JSON, or nothing.
  package mutating func json(_ bytes: [UInt8], _ field: StaticString, countMax: Int) {
    guard bytes.count <= countMax else {
      return refuse(field, "is longer than \(countMax) bytes")
    }
    guard !bytes.isEmpty else { return }
    if (try? JSONValue(parsing: bytes)) == nil { refuse(field, "is not JSON") }
  }

  package mutating func count(_ number: Int64, _ field: StaticString) {
    if !(0...StoreLimits.countMax).contains(number) { refuse(field, "is no count") }
  }
}
