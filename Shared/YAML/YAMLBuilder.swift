/// Puts events together to a tree: a value without I/O, and with a stack of its own.
struct YAMLBuilder {
  /// A node that has begun and not yet ended.
  private struct Open {
    let isMapping: Bool
    let mark: YAMLMark
    let tag: String?
    let anchor: String?
    var elements: [YAMLNode] = []
    var mapping = YAMLMapping()
    var key: (text: String, mark: YAMLMark, isMerge: Bool)?
    var mergeBases: [YAMLMapping]?
    /// Of what it holds so far.
    var height = 0
    var nodeCount = 1
  }

  /// A finished node and what repeating it costs.
  private struct Finished {
    let node: YAMLNode
    /// Containers inside one another; a scalar has none.
    let height: Int
    let nodeCount: Int
  }

  private let file: String
  private let limits: YAMLLimits
  private var stack: [Open] = []
  /// Nil while the node that carries the anchor is still open.
  private var anchors: [String: Finished?] = [:]
  private var nodeCount = 0
  private var root: YAMLNode?
  private var documentCount = 0

  init(file: String, limits: YAMLLimits) {
    self.file = file
    self.limits = limits
  }

  /// Takes the next event; the tree when it was the last.
  mutating func take(_ event: YAMLEvent) throws(YAMLError) -> YAMLNode? {
    let mark = event.mark
    switch event.kind {
    case .streamStart, .documentEnd: break
    case .documentStart:
      documentCount += 1
      guard documentCount == 1 else { throw error(.secondDocument, mark) }
    case .streamEnd:
      return root
        ?? YAMLNode(
          .scalar(YAMLScalar(text: "", style: .plain, isOpen: true)),
          mark: YAMLMark(line: 1, column: 1))
    case .alias(let name): try alias(name, at: mark)
    case .scalar(let scalar, let tag, let anchor):
      try count(1, at: mark)
      let node = YAMLNode(.scalar(scalar), mark: mark, tag: tag)
      try finish(Finished(node: node, height: 0, nodeCount: 1), anchor: anchor)
    case .sequenceStart(let tag, let anchor):
      try open(Open(isMapping: false, mark: mark, tag: tag, anchor: anchor))
    case .mappingStart(let tag, let anchor):
      try open(Open(isMapping: true, mark: mark, tag: tag, anchor: anchor))
    case .sequenceEnd, .mappingEnd: try close()
    }
    return nil
  }

  // MARK: - Nodes

  private mutating func open(_ node: Open) throws(YAMLError) {
    try count(1, at: node.mark)
    guard stack.count < limits.depthMax else { throw tooDeep(node.mark) }
    if let top = stack.last, top.isMapping, top.key == nil {
      throw error(.keyIsNotScalar, node.mark)
    }
    if let anchor = node.anchor { anchors[anchor] = .some(nil) }
    stack.append(node)
  }

  private mutating func close() throws(YAMLError) {
    guard let open = stack.popLast() else { return }
    let node: YAMLNode
    if open.isMapping {
      let mapping = open.mergeBases.map { open.mapping.merged(over: $0) } ?? open.mapping
      node = YAMLNode(.mapping(mapping), mark: open.mark, tag: open.tag)
    } else {
      node = YAMLNode(.sequence(open.elements), mark: open.mark, tag: open.tag)
    }
    try finish(
      Finished(node: node, height: open.height + 1, nodeCount: open.nodeCount),
      anchor: open.anchor)
  }

  private mutating func alias(_ name: String, at mark: YAMLMark) throws(YAMLError) {
    guard let anchored = anchors[name] else { throw error(.unknownAlias, mark) }
    guard let known = anchored else { throw error(.aliasInsideItself, mark) }
    try count(known.nodeCount, at: mark)
    guard stack.count + known.height <= limits.depthMax else { throw tooDeep(mark) }
    // The place of an alias is where it stands, so that an error leads to the line that is wrong.
    let node = YAMLNode(known.node.content, mark: mark, tag: known.node.tag)
    try finish(
      Finished(node: node, height: known.height, nodeCount: known.nodeCount), anchor: nil)
  }

  private mutating func finish(_ finished: Finished, anchor: String?) throws(YAMLError) {
    if let anchor { anchors[anchor] = finished }
    guard !stack.isEmpty else {
      root = finished.node
      return
    }
    let top = stack.count - 1
    stack[top].height = max(stack[top].height, finished.height)
    stack[top].nodeCount += finished.nodeCount
    if !stack[top].isMapping {
      stack[top].elements.append(finished.node)
    } else if let key = stack[top].key {
      stack[top].key = nil
      try put(finished.node, behind: key)
    } else {
      try setKey(finished.node)
    }
  }

  private mutating func setKey(_ node: YAMLNode) throws(YAMLError) {
    guard let scalar = node.scalar else { throw error(.keyIsNotScalar, node.mark) }
    let top = stack.count - 1
    let isMerge = scalar.text == "<<" && scalar.style == .plain
    let isTwice =
      isMerge ? stack[top].mergeBases != nil : stack[top].mapping[scalar.text] != nil
    // Refused before the value is read, so that the error points at the key.
    guard !isTwice else { throw error(.duplicateKey(scalar.text), node.mark) }
    stack[top].key = (scalar.text, node.mark, isMerge)
  }

  private mutating func put(
    _ node: YAMLNode, behind key: (text: String, mark: YAMLMark, isMerge: Bool)
  ) throws(YAMLError) {
    let top = stack.count - 1
    guard key.isMerge else {
      _ = stack[top].mapping.insert(
        YAMLMapping.Entry(key: key.text, mark: key.mark, value: node))
      return
    }
    var bases: [YAMLMapping] = []
    for base in node.sequence ?? [node] {
      guard let mapping = base.mapping else { throw error(.mergeNeedsMapping, base.mark) }
      bases.append(mapping)
    }
    stack[top].mergeBases = bases
  }

  // MARK: - Limits

  private mutating func count(_ more: Int, at mark: YAMLMark) throws(YAMLError) {
    nodeCount += more
    guard nodeCount <= limits.nodesMax else {
      throw error(.tooManyNodes(limit: limits.nodesMax), mark)
    }
  }

  private func tooDeep(_ mark: YAMLMark) -> YAMLError {
    error(.tooDeep(limit: limits.depthMax), mark)
  }

  private func error(_ code: YAMLError.Code, _ mark: YAMLMark) -> YAMLError {
    YAMLError(code, file: file, mark: mark)
  }
}
