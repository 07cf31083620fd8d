import JSON
import JSONText

/// A document read through its cursors into what can be compared with a tree.
enum TreeOfText {
  static func value(of element: JSONText.Element) -> JSONValue {
    switch element.kind {
    case .null: .null
    case .bool: element.bool.map(JSONValue.bool) ?? .null
    case .number: element.number.map(JSONValue.number) ?? .null
    case .string: element.string.map(JSONValue.string) ?? .null
    case .array: .array(element.elements.map(value))
    case .object: .object(object(of: element))
    }
  }

  private static func object(of element: JSONText.Element) -> JSONObject {
    var object = JSONObject()
    for (key, member) in element.members {
      _ = object.insert(value(of: member), for: key.string ?? "")
    }
    return object
  }

  /// Everything in its order, which equality of objects does not look at.
  static func spelling(of element: JSONText.Element) -> [UInt8] { value(of: element).bytes() }

  static func spelling(of value: JSONValue) -> [UInt8] { value.bytes() }

  /// As Python is asked to answer: numbers and objects are arrays that say so.
  static func tagged(_ element: JSONText.Element) -> JSONValue {
    switch element.kind {
    case .number: ["n", .string(element.number?.text ?? "")]
    case .object:
      .array(
        ["o"]
          + element.members.flatMap { key, value in
            [.string(key.string ?? ""), tagged(value)]
          })
    case .array: .array(element.elements.map(tagged))
    default: value(of: element)
    }
  }

  /// Why each of the two readers refuses some bytes; nil where one takes them.
  static func refusal(
    of bytes: [UInt8], limits: JSONLimits = JSONLimits()
  ) -> (tree: JSONError?, text: JSONError?) {
    let tree = error { () throws(JSONError) in
      _ = try JSONValue(parsing: bytes, limits: limits)
    }
    let text = error { () throws(JSONError) in
      _ = try JSONText(checking: bytes, limits: limits)
    }
    return (tree, text)
  }

  private static func error(_ read: () throws(JSONError) -> Void) -> JSONError? {
    do throws(JSONError) {
      try read()
      return nil
    } catch {
      return error
    }
  }
}
