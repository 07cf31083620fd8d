import Faults
import Machine
import SQLite

/// The cache's file: how it is laid out, opened, and begun anew.
///
/// Where an answer is, its owner knows: an index by hash would be a page at random for each answer
/// that comes and each that goes. Here every table only grows at its end and shrinks at its
/// beginning. What is sorted by use lies apart from the bytes, so that a use rewrites a row of a
/// hundred bytes and never an answer.
enum CacheSchema {
  /// `Acch` in ASCII.
  static let applicationID: Int32 = 0x4163_6368
  static let version: Int32 = 2

  private static let tables = """
    CREATE TABLE answers (
      id INTEGER PRIMARY KEY,
      product TEXT NOT NULL,
      hash BLOB NOT NULL,
      kept_ms INTEGER NOT NULL,
      used INTEGER NOT NULL,
      bytes INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX answers_by_use ON answers (used, id);
    CREATE TABLE bodies (
      id INTEGER PRIMARY KEY,
      digest BLOB NOT NULL,
      facts BLOB NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    """

  /// Why what lay there was not used.
  enum FreshStart: String, Sendable {
    case damaged
    case newer
    case older
    case tooLarge = "too large"
  }

  private enum Found {
    case nothing
    case usable
    case foreign
    case unusable(FreshStart)
  }

  /// Opens the file for writing. One that is damaged, newer than this program or larger than it
  /// may be is begun anew, since it holds nothing but copies; another program's is left alone: nil.
  static func open(_ options: CacheOptions) throws(SQLiteError) -> (Connection?, FreshStart?) {
    let connection: Connection
    do throws(SQLiteError) {
      connection = try self.connection(options)
      switch try look(connection, options) {
      case .nothing: try make(connection)
      case .usable: break
      case .unusable(let why): return (try anew(options), why)
      case .foreign: return (nil, nil)
      }
      try bound(connection, options)
    } catch {
      guard error.code == .damaged else { throw error }
      return (try anew(options), .damaged)
    }
    return (connection, nil)
  }

  private static func look(
    _ connection: Connection, _ options: CacheOptions
  ) throws(SQLiteError) -> Found {
    let (id, version) = (try connection.applicationID, try connection.userVersion)
    if id == 0, version == 0, try connection.number("SELECT count(*) FROM sqlite_schema") == 0 {
      return .nothing
    }
    guard id == applicationID else { return .foreign }
    guard version == Self.version else {
      return .unusable(version > Self.version ? .newer : .older)
    }
    let isTooLarge = try connection.fileBytes > Int64(fileBytesMax(options))
    return isTooLarge ? .unusable(.tooLarge) : .usable
  }

  /// Throws away what lies there and begins with nothing.
  static func anew(_ options: CacheOptions) throws(SQLiteError) -> Connection {
    for ending in ["", "-wal", "-shm"] { try? Files.remove(options.path + ending) }
    let connection = try connection(options)
    try make(connection)
    try bound(connection, options)
    return connection
  }

  static func reading(_ options: CacheOptions) throws(SQLiteError) -> Connection {
    var reading = ConnectionOptions(.readOnly)
    reading.busyTimeoutMilliseconds = 200
    return try Connection(options.path, reading)
  }

  private static func connection(
    _ options: CacheOptions
  ) throws(SQLiteError) -> Connection {
    var writing = ConnectionOptions(.readWrite)
    // What a power cut takes of a cache is paid again, and nothing worse.
    writing.synchronous = .normal
    writing.busyTimeoutMilliseconds = 1_000
    return try Connection(options.path, writing)
  }

  private static func make(_ connection: Connection) throws(SQLiteError) {
    try connection.transaction(.writing) { () throws(SQLiteError) in
      try connection.execute(tables)
      try connection.setApplicationID(applicationID)
      try connection.setUserVersion(version)
    }
  }

  private static func bound(
    _ connection: Connection, _ options: CacheOptions
  ) throws(SQLiteError) {
    try connection.setPagesMax(fileBytesMax(options) / 4_096)
  }

  /// Rows, indices and pages that are half empty take more than what is counted.
  static func fileBytesMax(_ options: CacheOptions) -> Int {
    options.bytesMax + options.bytesMax / 2 + 4 << 20
  }

  static func foreign(_ path: String) -> Fault {
    Fault(
      .failedPrecondition, reason: "CACHE_FOREIGN", "\(path) is another program's database.",
      hint: "Move it away, or name another folder for the gateway.", facts: ["path": path])
  }
}
