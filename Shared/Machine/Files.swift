// Machine: this machine's files, directories, processes and limits as Swift values, so that no
// service handles a pointer to ask about them. Every call is synchronous and meant for small
// local things: configuration, run directories, /proc. It will never follow a link while it
// deletes, never hold a lock between two calls, and never guess: what the system refuses is a
// `MachineError` with the path and the system's reason. Limits: `MachineLimits`.

import CMachine
import Glibc

/// Bounds on what is read or removed in one call.
package enum MachineLimits {
  /// A file that is read whole.
  package static let fileBytesMax = 16 << 20
  /// Directories inside one another that are removed in one call.
  package static let removalDepthMax = 32
  /// Entries of one directory that are listed.
  package static let entriesMax = 100_000
}

/// Small local files and directories.
package enum Files {
  /// What stands at a path.
  package struct Facts: Equatable, Sendable {
    package enum Kind: Equatable, Sendable { case file, directory, link, socket, other }

    package let kind: Kind
    /// Permission bits only.
    package let mode: UInt32
    package let owner: UInt32
    package let group: UInt32
    package let byteCount: Int
  }

  /// The whole file; refused above `bytesMax`.
  package static func read(
    _ path: String, bytesMax: Int = MachineLimits.fileBytesMax
  ) throws(MachineError) -> [UInt8] {
    let file = try OpenFile(path, for: .read)
    // Files under /proc say they are empty: read until the end instead of asking first.
    var bytes: [UInt8] = []
    while true {
      let more = try file.read(min(65_536, bytesMax + 1 - bytes.count), at: bytes.count)
      bytes += more
      guard bytes.count <= bytesMax else {
        throw MachineError("read", path, reason: "it is longer than \(bytesMax) bytes")
      }
      if more.isEmpty { return bytes }
    }
  }

  /// The whole file as text; bytes that are not UTF-8 are repaired.
  package static func readText(
    _ path: String, bytesMax: Int = MachineLimits.fileBytesMax
  ) throws(MachineError) -> String {
    String(decoding: try read(path, bytesMax: bytesMax), as: UTF8.self)
  }

  /// The last `count` bytes of a file.
  package static func readEnd(of path: String, count: Int) throws(MachineError) -> [UInt8] {
    let file = try OpenFile(path, for: .read)
    let start = max(0, file.byteCount - count)
    return try file.read(count, at: start)
  }

  /// Replaces a file in one step: readers see the old bytes or the new, never half.
  package static func replace(
    _ path: String, with text: String, mode: UInt32 = 0o600
  ) throws(MachineError) {
    let temporary = "\(path).\(getpid()).tmp"
    do {
      let file = try OpenFile(temporary, for: .replace, mode: mode)
      try file.write(text)
    } catch {
      try? remove(temporary)
      throw error
    }
    try rename(temporary, to: path)
  }

  /// Moves a file over another.
  package static func rename(_ path: String, to target: String) throws(MachineError) {
    try unsafe path.tryPath { path in
      let status = unsafe target.withPath { unsafe Glibc.rename(path, $0) }
      return status == 0 ? nil : MachineError("rename", target, errno: errno)
    }
  }

  /// Waits until a file's bytes, or a directory's names, are on the disk.
  package static func sync(_ path: String) throws(MachineError) {
    let file = try OpenFile(path, for: .read)
    guard fsync(file.descriptor) == 0 else { throw MachineError("sync", path, errno: errno) }
  }

  /// What stands at a path, links not followed unless told; nil when there is nothing.
  package static func facts(of path: String, followingLinks: Bool = false) -> Facts? {
    var raw = stat()
    let status = unsafe path.withPath {
      unsafe followingLinks ? stat($0, &raw) : lstat($0, &raw)
    }
    guard status == 0 else { return nil }
    let kind: Facts.Kind =
      switch raw.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .directory
      case S_IFLNK: .link
      case S_IFSOCK: .socket
      default: .other
      }
    return Facts(
      kind: kind, mode: raw.st_mode & 0o7777, owner: raw.st_uid, group: raw.st_gid,
      byteCount: Int(raw.st_size))
  }

  /// Whether this process may run the file.
  package static func isExecutable(_ path: String) -> Bool {
    guard facts(of: path, followingLinks: true)?.kind == .file else { return false }
    return unsafe path.withPath { unsafe access($0, X_OK) } == 0
  }

  /// Whether this process may write to the file or into the directory.
  package static func isWritable(_ path: String) -> Bool {
    unsafe path.withPath { unsafe access($0, W_OK) } == 0
  }

  /// What a link points to; nil when it is none.
  package static func target(ofLink path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe buffer.withUnsafeMutableBytes { buffer -> Int in
      unsafe path.withPath { path in
        guard let start = buffer.baseAddress else { return -1 }
        return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), buffer.count)
      }
    }
    guard count > 0 else { return nil }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  /// The path without links and dots; nil when there is nothing there.
  package static func resolved(_ path: String) -> String? {
    let raw = unsafe path.withPath { unsafe realpath($0, nil) }
    guard let raw = unsafe raw else { return nil }
    defer { unsafe free(raw) }
    return unsafe String(cString: raw)
  }
}

extension String {
  /// Lends this text as a C path; one with a NUL in it names nothing, rather than being cut.
  func withPath<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
    unsafe (utf8.contains(0) ? "" : self).withCString(body)
  }

  /// The same for a call that answers with its failure.
  func tryPath(_ body: (UnsafePointer<CChar>) -> MachineError?) throws(MachineError) {
    if let failure = unsafe withPath(body) { throw failure }
  }
}
