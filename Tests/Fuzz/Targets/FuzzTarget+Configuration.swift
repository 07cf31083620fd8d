import Configuration
import GRPCFormat
import YAML

extension FuzzTarget {
  /// A file of settings of every kind: a checked value is within its bounds, a refusal says why.
  func fuzzConfiguration(_ input: RawSpan) throws(FuzzFinding) {
    let bytes = [UInt8](copying: input)
    let values: ConfigurationValues
    do throws(ConfigurationError) {
      values = try FuzzSettings.reader.parse(bytes)
    } catch {
      try checkRefusal(error)
      return
    }
    let workers = values[FuzzSettings.workers]
    try require((1...64).contains(workers), "\(workers) workers were taken")
    let timeout = values[FuzzSettings.timeout]
    let isInBounds = timeout >= .milliseconds(1) && timeout <= .seconds(3600)
    try require(isInBounds, "a timeout of \(timeout) was taken")
    let cache = values[FuzzSettings.cache]
    try require((0...(1 << 30)).contains(cache), "\(cache) bytes were taken")
    let level = values[FuzzSettings.level]
    try require(["debug", "info"].contains(level), "the level \(level) was taken")
  }

  private func checkRefusal(_ error: ConfigurationError) throws(FuzzFinding) {
    try require(error.problemCount > 0, "a refusal without a reason")
    try require(
      error.problems.count <= ConfigurationLimits.problemsMax, "\(error.problems.count) reasons")
    for problem in error.problems {
      // A reason goes to a terminal and a log as one line.
      let isOneLine = problem.description.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
      try require(isOneLine, "a reason with controls: \(problem.description.debugDescription)")
    }
  }

  /// Any bytes as YAML: a tree within its limits, or a refusal.
  func fuzzYAML(_ input: RawSpan) throws(FuzzFinding) {
    let limits = YAMLLimits(bytesMax: FuzzTarget.inputBytesMax, depthMax: 16, nodesMax: 500)
    guard let root = try? YAMLNode(parsing: input, limits: limits) else { return }
    let size = measure(root)
    try require(size.depth <= limits.depthMax + 1, "a tree \(size.depth) deep")
    try require(size.nodes <= limits.nodesMax, "a tree of \(size.nodes) nodes")
  }

  private func measure(_ node: YAMLNode) -> (nodes: Int, depth: Int) {
    let children = (node.sequence ?? []) + (node.mapping?.entries.map(\.value) ?? [])
    return children.map(measure).reduce(into: (nodes: 1, depth: 1)) { total, child in
      total.nodes += child.nodes
      total.depth = max(total.depth, child.depth + 1)
    }
  }
}
