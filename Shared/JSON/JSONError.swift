/// Why bytes are not the JSON they should be, and where. Never holds any of the text.
package struct JSONError: Error, Equatable, Sendable {
  /// What is wrong.
  package enum Code: Equatable, Sendable {
    case unexpectedEnd
    case unexpectedByte
    case invalidNumber
    case controlCharacterInString
    case invalidEscape
    case loneSurrogate
    case invalidUTF8
    case duplicateKey
    case trailingBytes
    case tooManyBytes(limit: Int)
    case tooDeep(limit: Int)
    case tooManyValues(limit: Int)
    case numberTooLong(limit: Int)
  }

  package let code: Code
  /// Bytes before the place, from 0.
  package let offset: Int
  /// From 1.
  package let line: Int
  /// In Unicode scalars, from 1.
  package let column: Int

  package init(code: Code, offset: Int, line: Int, column: Int) {
    self.code = code
    self.offset = offset
    self.line = line
    self.column = column
  }
}

extension JSONError: CustomStringConvertible {
  package var description: String {
    "line \(line), column \(column) (byte \(offset)): \(code.sentence)"
  }
}

extension JSONError.Code {
  fileprivate var sentence: String {
    switch self {
    case .unexpectedEnd: "the JSON ends too early"
    case .unexpectedByte: "this byte cannot stand here"
    case .invalidNumber: "not a number as JSON writes it"
    case .controlCharacterInString: "a control character in a string must be escaped"
    case .invalidEscape: "no such escape"
    case .loneSurrogate: "half of a surrogate pair"
    case .invalidUTF8: "not UTF-8"
    case .duplicateKey: "this key is already in the object"
    case .trailingBytes: "something follows the value"
    case .tooManyBytes(let limit): "longer than \(limit) bytes (bytesMax)"
    case .tooDeep(let limit): "nested deeper than \(limit) (depthMax)"
    case .tooManyValues(let limit): "more than \(limit) values (valuesMax)"
    case .numberTooLong(let limit): "a number longer than \(limit) bytes (numberBytesMax)"
    }
  }
}
