/// Why edits cannot be made, and where in the document they were meant. Never holds any of it.
package struct JSONEditError: Error, Equatable, Sendable {
  /// What is wrong.
  package enum Code: Equatable, Sendable {
    case otherDocument
    case notAnObject
    case notAnArray
    case notAMember
    case outermostValue
    case noSuchPlace
    case overlap
    case duplicateKey
  }

  package let code: Code
  /// Bytes of the original before the place, from 0.
  package let offset: Int
}

extension JSONEditError: CustomStringConvertible {
  package var description: String { "byte \(offset): \(code.sentence)" }
}

extension JSONEditError.Code {
  fileprivate var sentence: String {
    switch self {
    case .otherDocument: "this value stands in another document"
    case .notAnObject: "only an object takes a member"
    case .notAnArray: "only an array takes an element"
    case .notAMember: "only a member has a key"
    case .outermostValue: "a document without a value is none"
    case .noSuchPlace: "the array is shorter than that"
    case .overlap: "two edits of the same bytes"
    case .duplicateKey: "this key is already in the object"
    }
  }
}
