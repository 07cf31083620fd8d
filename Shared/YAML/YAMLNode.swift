// YAML: one document, read by libyaml and kept as a tree in which every node knows its line.
// Anchors, aliases and merge keys work as compose files use them; duplicate keys, keys that are
// not scalars, a second document, and aliases that multiply beyond a bound are refused. It knows
// no schema: a scalar is its text, and the YAML 1.2 core rules are asked for by whoever needs a
// number. It does not write YAML. Limits: `YAMLLimits`.

/// One value of a document, and where it begins.
package struct YAMLNode: Sendable {
  /// What a node holds.
  package enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping(YAMLMapping)
  }

  package let content: Content
  package let mark: YAMLMark
  /// The explicit tag (`!reset`, `tag:yaml.org,2002:str`); nil when there is none.
  package let tag: String?

  /// Reads the one document in `bytes`; an empty one is null. `file` is named in errors.
  package init(
    parsing bytes: RawSpan, file: String = "", limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) {
    guard bytes.byteCount <= limits.bytesMax else {
      throw YAMLError(
        .tooManyBytes(limit: limits.bytesMax), file: file, mark: YAMLMark(line: 1, column: 1))
    }
    self = try unsafe bytes.withUnsafeBytes { (buffer) throws(YAMLError) -> YAMLNode in
      var events = unsafe YAMLEvents(buffer, file: file)
      var builder = YAMLBuilder(file: file, limits: limits)
      while true {
        if let root = try builder.take(try events.next()) { return root }
      }
    }
  }

  /// Reads the one document in `bytes`.
  package init(
    parsing bytes: [UInt8], file: String = "", limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) {
    try self.init(parsing: unsafe bytes.span.bytes, file: file, limits: limits)
  }

  /// Reads the one document in `text`.
  package init(
    parsing text: String, file: String = "", limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) {
    try self.init(parsing: unsafe text.utf8Span.span.bytes, file: file, limits: limits)
  }

  init(_ content: Content, mark: YAMLMark, tag: String? = nil) {
    self.content = content
    self.mark = mark
    self.tag = tag
  }
}

extension YAMLNode {
  package var scalar: YAMLScalar? {
    guard case .scalar(let scalar) = content else { return nil }
    return scalar
  }

  package var sequence: [YAMLNode]? {
    guard case .sequence(let nodes) = content else { return nil }
    return nodes
  }

  package var mapping: YAMLMapping? {
    guard case .mapping(let mapping) = content else { return nil }
    return mapping
  }

  package var isNull: Bool { scalar?.isNull ?? false }

  /// The text of a scalar that is not null.
  package var text: String? { scalar.flatMap { $0.isNull ? nil : $0.text } }

  /// The value behind a key; nil when there is none, or when this is no mapping.
  package subscript(key: String) -> YAMLNode? { mapping?[key] }

  /// What kind of value it is, for an error message.
  package var kindName: String {
    switch content {
    case .scalar(let scalar): scalar.isNull ? "nothing" : "a plain value"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// A place in a file, both from 1; columns count characters.
package struct YAMLMark: Hashable, Sendable {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}
