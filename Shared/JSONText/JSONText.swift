// JSONText: JSON documents that stay the bytes they came in. A document is checked whole, once and
// as strictly as `JSONValue` reads (they accept the same bytes), and indexed by a flat tape of
// nodes; then it is read in place, edited in place and fed to a hash in a canonical form. It never
// decodes what nobody asks for, never moves a member, never rewrites a number, and never copies a
// large string that it passes on. It repairs nothing: what is not JSON is refused. Limits:
// `JSONLimits`, of which `valuesMax` also bounds the tape to twice as many nodes of 16 bytes.

package import JSON

/// One JSON document: its bytes, known to be JSON, and where everything in them is.
///
/// A copy is cheap; it shares bytes and tape.
package struct JSONText: Sendable {
  let storage: Storage

  /// What every cursor of a document holds: one object, so that a cursor costs one retain.
  final class Storage: Sendable {
    let bytes: [UInt8]
    let nodes: [JSONNode]

    init(bytes: consuming [UInt8], nodes: consuming [JSONNode]) {
      self.bytes = bytes
      self.nodes = nodes
    }
  }

  /// Takes bytes that hold exactly one JSON value, surrounded by nothing but white space.
  package init(
    checking bytes: consuming [UInt8], limits: JSONLimits = JSONLimits()
  ) throws(JSONError) {
    let bytes = bytes
    let nodes = try unsafe bytes.span.bytes.withUnsafeBytes {
      (buffer) throws(JSONError) -> [JSONNode] in
      var checker = unsafe JSONChecker(JSONBytes(buffer), limits: limits)
      return try checker.document()
    }
    storage = Storage(bytes: bytes, nodes: nodes)
  }

  /// The document, to the byte.
  package var bytes: [UInt8] { storage.bytes }

  /// Nodes of the tape: one for every value and one for every key.
  package var nodeCount: Int { storage.nodes.count }

  /// The one value of the document.
  package var root: Element { Element(storage: storage, node: 0, parent: JSONNode.none) }

  /// A member of the outermost object; nil when there is none, or when it is no object.
  package subscript(key: String) -> Element? { root[key] }

  /// What stands at the end of a path of keys.
  package subscript(path path: [String]) -> Element? {
    var place = root
    for key in path {
      guard let next = place[key] else { return nil }
      place = next
    }
    return place
  }
}
