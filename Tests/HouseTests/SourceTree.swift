import Glibc

/// The text files of the repository as the rules see them: all of them, without build products.
struct SourceTree: Sendable {
  let files: [SourceFile]

  /// The repository this test was compiled from.
  static let top: String = {
    var parts = #filePath.split(separator: "/")
    parts.removeLast(3)
    return "/" + parts.joined(separator: "/")
  }()

  static let repository = SourceTree(readingFrom: top)

  /// Folders that hold products or history, never sources.
  private static let skippedFolders: Set<String> = [
    ".git", ".build", "__pycache__", "corpus", "node_modules",
  ]
  /// What a person writes here; anything else (images, archives) is not read.
  private static let endings = [
    ".swift", ".c", ".h", ".py", ".sh", ".proto", ".md", ".json", ".yaml", ".yml", ".txt",
    ".modulemap", ".supp", ".conf",
  ]
  /// Larger files are data; reading them as lines helps nobody.
  private static let fileBytesMax = 4 << 20

  init(files: [SourceFile]) { self.files = files }

  init(readingFrom top: String) {
    let paths = Self.paths(under: top).sorted()
    files = paths.compactMap { path in
      Self.read("\(top)/\(path)").map { SourceFile(path: path, bytes: $0) }
    }
  }

  var swiftFiles: [SourceFile] { files.filter(\.isSwift) }

  func file(_ path: String) -> SourceFile? { files.first { $0.path == path } }

  private static func paths(under top: String) -> [String] {
    var found: [String] = []
    var waiting = [""]
    while let folder = waiting.popLast() {
      for entry in entries(of: folder.isEmpty ? top : "\(top)/\(folder)") {
        let path = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
        if entry.isFolder {
          if !skippedFolders.contains(entry.name) { waiting.append(path) }
        } else if isText(entry.name) {
          found.append(path)
        }
      }
    }
    return found
  }

  /// Scripts, Makefile and Containerfile have no ending at all; in a worktree, .git is a file.
  private static func isText(_ name: String) -> Bool {
    name != ".git" && (endings.contains { name.hasSuffix($0) } || !name.dropFirst().contains("."))
  }

  /// Names in a folder; links are not followed, so a walk always ends.
  static func entries(of folder: String) -> [(name: String, isFolder: Bool)] {
    guard let handle = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(handle) }
    var found: [(name: String, isFolder: Bool)] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      let kind = unsafe Int(entry.pointee.d_type)
      guard name != ".", name != "..", kind == Int(DT_DIR) || kind == Int(DT_REG) else { continue }
      found.append((name, kind == Int(DT_DIR)))
    }
    return found
  }

  private static func read(_ path: String) -> [UInt8]? {
    guard let file = unsafe fopen(path, "rb") else { return nil }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= fileBytesMax {
      let count = unsafe fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: chunk[0..<count])
    }
    return nil
  }
}
