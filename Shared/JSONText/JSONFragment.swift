package import JSON

/// One JSON value as bytes, to be put into a document; there is no way to make one that is not
/// JSON.
package struct JSONFragment: Sendable {
  package let bytes: [UInt8]

  /// Takes bytes that hold exactly one JSON value.
  package init(
    checking bytes: consuming [UInt8], limits: JSONLimits = JSONLimits()
  ) throws(JSONError) {
    self.init(try JSONText(checking: bytes, limits: limits).root)
  }

  /// The value as it is written in its document.
  package init(_ element: JSONText.Element) {
    let all = element.storage.bytes
    bytes = element.range == all.indices ? all : element.bytes
  }

  package init(_ value: JSONValue) { bytes = value.bytes() }

  /// A key as it stands before its colon.
  static func key(_ name: String) -> [UInt8] {
    var writer = JSONWriter()
    writer.string(name)
    return writer.bytes
  }
}

extension JSONWriter {
  /// A value of another document, to the byte.
  package mutating func value(_ element: JSONText.Element) {
    element.withBytes { verbatim($0) }
  }
}
