/// Where something stands below a value: keys of objects, and "every element" of arrays.
///
/// `["metadata", "user_id"]` is one member; `["messages", .eachElement, "id"]` one of each message.
/// The empty path means nothing.
package struct JSONPath: Equatable, Sendable {
  /// One level down.
  package enum Step: Equatable, Sendable {
    case member(String)
    case eachElement
  }

  package var steps: [Step]

  package init(_ steps: [Step]) { self.steps = steps }
}

extension JSONPath: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: Step...) { steps = elements }
}

extension JSONPath.Step: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) { self = .member(value) }
}
