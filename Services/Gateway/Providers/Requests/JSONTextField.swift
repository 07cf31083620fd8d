import JSONText

/// A member of a request with the name that errors call it by.
struct JSONTextField {
  let name: String
  let element: JSONText.Element?

  /// nil and `null` are the same to every provider.
  init(_ name: String, in object: JSONText.Element) {
    self.name = name
    let found = object[name]
    element = found?.isNull == true ? nil : found
  }

  var isPresent: Bool { element != nil }

  func string() throws(RequestProblem) -> String? {
    guard let element else { return nil }
    guard let text = element.string else { throw wrongType() }
    guard text.utf8.count <= ProviderLimits.nameBytesMax else { throw outOfRange() }
    return text
  }

  func bool() throws(RequestProblem) -> Bool {
    guard let element else { return false }
    guard let value = element.bool else { throw wrongType() }
    return value
  }

  func int(in range: ClosedRange<Int>) throws(RequestProblem) -> Int64? {
    guard let element else { return nil }
    guard let value = element.int else { throw wrongType() }
    guard range.contains(value) else { throw outOfRange() }
    return Int64(value)
  }

  func required<Value>(_ value: Value?) throws(RequestProblem) -> Value {
    guard let value else { throw RequestProblem(.missing, name) }
    return value
  }

  /// An array; none of anything absent.
  func elements() throws(RequestProblem) -> JSONText.Elements? {
    guard let element else { return nil }
    guard element.kind == .array else { throw wrongType() }
    return element.elements
  }
}

extension ProviderLimits {
  /// Of tokens that a request may ask for; beyond it, a number is a mistake.
  static let outputTokensRange = 0...10_000_000
  static let answersRange = 1...128
  static let hostedUsesRange = 0...1_000
}
