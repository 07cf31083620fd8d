import Glibc

/// Where tests find what was built beside them, and the repository they belong to.
package enum BuildPlace {
  /// The repository that the tests were compiled from.
  package static let top = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(4).joined(separator: "/")

  /// An executable beside the test bundle.
  package static func executable(_ name: String) throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    for start in [path] + CommandLine.arguments {
      var folder = start
      while let slash = folder.lastIndex(of: "/") {
        folder = String(folder[..<slash])
        if unsafe access("\(folder)/\(name)", X_OK) == 0 { return "\(folder)/\(name)" }
      }
    }
    throw ChildTool.Failure(description: "\(name) is not beside the tests: swift build first")
  }

  /// The interpreter with the tests' packages, which scripts/python-venv makes.
  package static func python() throws -> String {
    let path = "\(top)/.build/python/bin/python"
    guard unsafe access(path, X_OK) == 0 else {
      throw ChildTool.Failure(description: "no .build/python: run scripts/python-venv first")
    }
    return path
  }
}
