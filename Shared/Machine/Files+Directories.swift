import CMachine
import Glibc

extension Files {
  /// Makes a directory; nothing happens when it is there already.
  package static func makeDirectory(_ path: String, mode: UInt32 = 0o700) throws(MachineError) {
    try unsafe path.tryPath { raw in
      guard unsafe mkdir(raw, mode) != 0 else { return nil }
      let reason = errno
      if reason == EEXIST, facts(of: path, followingLinks: true)?.kind == .directory { return nil }
      return MachineError("create", path, errno: reason)
    }
  }

  /// Makes a directory and those above it that are missing.
  package static func makeDirectories(_ path: String, mode: UInt32 = 0o700) throws(MachineError) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/\(part)"
      if facts(of: made, followingLinks: true)?.kind == .directory { continue }
      try makeDirectory(made, mode: mode)
    }
  }

  /// The names in a directory, sorted; empty when there is none.
  package static func entries(of path: String) -> [String] {
    let stream = unsafe path.withPath { unsafe opendir($0) }
    guard let stream = unsafe stream else { return [] }
    defer { unsafe closedir(stream) }
    return unsafe names(in: stream).sorted()
  }

  /// Removes a file, link, socket or empty directory; nothing happens when it is not there.
  package static func remove(_ path: String) throws(MachineError) {
    try unsafe path.tryPath { raw in
      if unsafe unlink(raw) == 0 { return nil }
      guard errno == EISDIR || errno == EPERM else {
        return errno == ENOENT ? nil : MachineError("remove", path, errno: errno)
      }
      return unsafe rmdir(raw) == 0 || errno == ENOENT
        ? nil : MachineError("remove", path, errno: errno)
    }
  }

  /// Removes a directory and all it holds; links in it are removed, not followed.
  package static func removeTree(_ path: String) throws(MachineError) {
    guard facts(of: path)?.kind == .directory else { return try remove(path) }
    let folder = unsafe path.withPath {
      unsafe assay_open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
    }
    guard folder >= 0 else { throw MachineError("remove", path, errno: errno) }
    try empty(folder, at: path, depth: 1)
    try remove(path)
  }

  /// Empties an open directory, by descriptor so that nobody can swap a link in between; takes
  /// the descriptor over.
  private static func empty(
    _ folder: Int32, at path: String, depth: Int
  ) throws(MachineError) {
    guard depth <= MachineLimits.removalDepthMax, let stream = unsafe fdopendir(folder) else {
      _ = close(folder)
      throw MachineError("remove", path, reason: "it is nested too deep or cannot be listed")
    }
    defer { unsafe closedir(stream) }
    for name in unsafe names(in: stream) {
      let status = unsafe name.withPath { unsafe unlinkat(folder, $0, 0) }
      if status == 0 || errno == ENOENT { continue }
      let inner = unsafe name.withPath {
        unsafe assay_open_at(folder, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      }
      guard inner >= 0 else { throw MachineError("remove", "\(path)/\(name)", errno: errno) }
      try empty(inner, at: "\(path)/\(name)", depth: depth + 1)
      let removed = unsafe name.withPath { unsafe unlinkat(folder, $0, Int32(AT_REMOVEDIR)) }
      guard removed == 0 || errno == ENOENT else {
        throw MachineError("remove", "\(path)/\(name)", errno: errno)
      }
    }
  }

  private static func names(in stream: OpaquePointer) -> [String] {
    var names: [String] = []
    while names.count < MachineLimits.entriesMax, let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
