package import JSON

/// Why a request is not sent: what is wrong, and at which field.
package struct RequestProblem: Error, Equatable, Sendable {
  package enum Code: Equatable, Sendable {
    case notJSON(JSONError)
    case missing
    case wrongType
    case outOfRange
    /// It would cost something that nothing here has a price for.
    case unpriced
    /// It is a way of calling that the gateway cannot account for.
    case unsupported
  }

  package let code: Code
  /// `messages[2].content`; empty for the body as a whole.
  package let field: String

  package init(_ code: Code, _ field: String = "") {
    self.code = code
    self.field = field
  }

  /// One line for a person; no bytes of the request but names of its fields.
  package var message: String {
    switch code {
    case .notJSON(let error): "The body is not JSON: \(error)."
    case .missing: "\(field): field required."
    case .wrongType: "\(field): wrong type."
    case .outOfRange: "\(field): out of range."
    case .unpriced: "\(field): this gateway has no price for it, so it cannot be paid for."
    case .unsupported: "\(field): this gateway does not make calls of this kind."
    }
  }
}

extension JSONTextField {
  func wrongType() -> RequestProblem { RequestProblem(.wrongType, name) }
  func outOfRange() -> RequestProblem { RequestProblem(.outOfRange, name) }
}
