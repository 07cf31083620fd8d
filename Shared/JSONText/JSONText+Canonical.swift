extension JSONText {
  /// Feeds the canonical form of the document, less what `excluding` names: the same bytes for
  /// documents that mean the same, and for no others.
  ///
  /// Canonical is JSON without white space; members sorted by the bytes of their decoded keys at
  /// every level; strings with `\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`, the other controls as
  /// `\u00xx`, and everything else as itself; numbers as `CanonicalNumber` has them, equal when
  /// they are equal as decimals. What it means to different readers is told apart: `-0` and `0`,
  /// two normal forms of one character, an absent member and `null`.
  ///
  /// Pieces come in the order of the bytes, a few KB each, but a long string as one piece that is
  /// lent from the document itself.
  package func feedCanonical<E: Error>(
    excluding paths: [JSONPath] = [], into body: (RawSpan) throws(E) -> Void
  ) throws(E) {
    try root.feedCanonical(excluding: paths, into: body)
  }

  /// The canonical form in one piece.
  package func canonicalBytes(excluding paths: [JSONPath] = []) -> [UInt8] {
    var all: [UInt8] = []
    feedCanonical(excluding: paths) { piece in
      unsafe piece.withUnsafeBytes { unsafe all.append(contentsOf: $0) }
    }
    return all
  }
}

extension JSONText.Element {
  /// Feeds the canonical form of this value; paths begin below it.
  package func feedCanonical<E: Error>(
    excluding paths: [JSONPath] = [], into body: (RawSpan) throws(E) -> Void
  ) throws(E) {
    let bytes = storage.bytes
    try unsafe bytes.span.bytes.withUnsafeBytes { (buffer) throws(E) in
      let all = unsafe JSONBytes(buffer)
      var walk = JSONCanonicalWalk(
        bytes: all, nodes: storage.nodes, root: Int(node), excluding: paths)
      while true {
        let end = walk.fill()
        if !walk.buffer.isEmpty {
          try body(unsafe walk.buffer.span.bytes)
          walk.buffer.removeAll(keepingCapacity: true)
        }
        switch end {
        case .full: continue
        case .lent(let range): try all.lend(range, body)
        case .done: return
        }
      }
    }
  }
}
