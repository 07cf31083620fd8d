import CUV
import Glibc

/// The path of a listening Unix socket, from its temporary name to its removal.
struct BoundSocketPath {
  private let path: String
  private let identity: FileIdentity

  /// Device and inode: whether two names, or one name at two times, mean the same file.
  private struct FileIdentity: Equatable {
    let device: UInt
    let inode: UInt
    let isSocket: Bool

    /// Of what stands at `path` itself, links not followed; nil when nothing does.
    init?(at path: String) throws(EventLoopError) {
      var status = stat()
      guard unsafe lstat(path, &status) == 0 else {
        if errno == ENOENT { return nil }
        throw EventLoopError(errno: "Looking at \(path)")
      }
      device = UInt(status.st_dev)
      inode = UInt(status.st_ino)
      isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
  }

  /// Binds, sets the mode, listens, renames: in this order nobody sees it half done.
  static func bind(
    _ descriptor: Int32, to path: String, mode: UInt32, backlog: Int32
  ) throws(EventLoopError) -> BoundSocketPath {
    let stale = try staleSocket(at: path)
    let (directory, name) = split(path)
    // Renames stay within the directory. A long name is cut so that the detour by way of the
    // directory's descriptor fits into what the kernel takes.
    let kept = String(decoding: name.utf8.prefix(nameBytesKept), as: UTF8.self)
    let temporary = "\(directory)/\(kept).\(getpid()).tmp"
    // A process of the same id may have died here before: in a container every one has id 1.
    if let left = try FileIdentity(at: temporary), left.isSocket { unsafe unlink(temporary) }
    // The inode is born with no more than the mode, whatever the umask.
    fchmod(descriptor, mode)
    try bind(descriptor, at: temporary)
    do throws(EventLoopError) {
      guard unsafe chmod(temporary, mode) == 0, listen(descriptor, backlog) == 0,
        let identity = try FileIdentity(at: temporary)
      else {
        throw EventLoopError(errno: "Listening on \(path)")
      }
      try move(temporary, to: path, over: stale)
      return BoundSocketPath(path: path, identity: identity)
    } catch {
      unsafe unlink(temporary)
      throw error
    }
  }

  /// Removes the path unless somebody else's socket stands there by now.
  func unlinkIfOurs() {
    guard let found = try? FileIdentity(at: path), found == identity else { return }
    unsafe unlink(path)
  }

  /// The stale socket that may be replaced; nil when nothing stands at `path`.
  private static func staleSocket(at path: String) throws(EventLoopError) -> FileIdentity? {
    guard let found = try FileIdentity(at: path) else { return nil }
    guard found.isSocket else {
      throw EventLoopError(.notASocket, "What stands at \(path) is not a socket; it is left alone")
    }
    let probe = socket(AF_UNIX, assay_stream_socket_type, 0)
    guard probe >= 0 else { throw EventLoopError(errno: "Probing \(path)") }
    defer { close(probe) }
    let raw = try RawAddress(unixPath: path)
    let status = unsafe raw.withPointer { unsafe connect(probe, $0, $1) }
    if status != 0 && errno == ECONNREFUSED { return found }
    if status != 0 && errno == ENOENT { return nil }
    // EAGAIN: it lives, its backlog is full.
    guard status == 0 || errno == EAGAIN else { throw EventLoopError(errno: "Probing \(path)") }
    throw EventLoopError(.addressInUse, "A live server answers at \(path)")
  }

  /// Renames only over nothing, or over the very socket that was found to be stale: of two
  /// servers that start at once, one wins and the other is told.
  private static func move(
    _ temporary: String, to path: String, over stale: FileIdentity?
  ) throws(EventLoopError) {
    let flags = stale == nil ? assay_rename_noreplace : assay_rename_exchange
    switch unsafe assay_rename(temporary, path, flags) {
    case 0:
      guard let stale else { return }
      guard try FileIdentity(at: temporary) == stale else {
        _ = unsafe assay_rename(temporary, path, assay_rename_exchange)
        throw EventLoopError(.addressInUse, "Another server has just taken \(path)")
      }
      unsafe unlink(temporary)
    case -EEXIST:
      throw EventLoopError(.addressInUse, "Another server has just taken \(path)")
    case -EINVAL, -ENOSYS, -ENOENT:
      // A file system without the flags, or the stale socket went meanwhile.
      guard unsafe rename(temporary, path) == 0 else {
        throw EventLoopError(errno: "Renaming the socket to \(path)")
      }
    case let status:
      throw EventLoopError(system: status, "Renaming the socket to \(path)")
    }
  }

  /// Binds to a name that may be longer than the kernel takes, by way of its directory.
  private static func bind(_ descriptor: Int32, at name: String) throws(EventLoopError) {
    guard name.utf8.count > SocketAddress.unixPathBytesMax else {
      return try bind(descriptor, toShort: name, for: name)
    }
    let (directory, file) = split(name)
    let opened = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { throw EventLoopError(errno: "Opening \(directory)") }
    defer { close(opened) }
    try bind(descriptor, toShort: "/proc/self/fd/\(opened)/\(file)", for: name)
  }

  /// Of a name in `temporary`: with "/proc/self/fd/N/" before and ".PID.tmp" behind it, still
  /// within 107 bytes.
  private static var nameBytesKept: Int { 60 }

  private static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (String(path[..<slash]), String(path[path.index(after: slash)...]))
  }

  private static func bind(
    _ descriptor: Int32, toShort short: String, for name: String
  ) throws(EventLoopError) {
    let raw = try RawAddress(unixPath: short)
    guard unsafe raw.withPointer({ unsafe Glibc.bind(descriptor, $0, $1) }) == 0 else {
      throw EventLoopError(errno: "Binding a socket at \(name)")
    }
  }
}
