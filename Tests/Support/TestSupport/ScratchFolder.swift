import Glibc
import Machine

/// A folder of a test's own under /tmp, with a path short enough for sockets.
package struct ScratchFolder: Sendable {
  package let path: String

  package func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Makes a folder, runs `body`, and removes the folder whatever `body` does.
  package static func with<R>(_ body: (ScratchFolder) async throws -> R) async throws -> R {
    var template = Array("/tmp/assay-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else {
      throw ChildTool.Failure(description: "no scratch folder, errno \(errno)")
    }
    let bytes = template.dropLast().map { UInt8(bitPattern: $0) }
    let folder = ScratchFolder(path: String(decoding: bytes, as: UTF8.self))
    defer { try? Files.removeTree(folder.path) }
    return try await body(folder)
  }
}
