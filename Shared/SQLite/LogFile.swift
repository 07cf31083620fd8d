import CSQLite
import Glibc

/// The write-ahead log of a writing connection, as SQLite sees it: what it writes piece by piece
/// goes to the system in few large writes.
///
/// SQLite writes each page of a commit in two calls, a head and the page, and those calls are a
/// quarter of what a commit costs. Bytes wait here until SQLite asks for a sync at the latest. With
/// `synchronous = FULL` it does so at the end of each commit and before the log's index names what
/// was written, so nobody looks for bytes that are not in the file yet; and it sees there what
/// went wrong with any of them, as if it had written them one by one. Never for another mode.
///
/// A commit that is kept elsewhere too, until the log is synced, is spared its sync here.
enum LogFile {
  /// Bytes that wait for one write.
  static let heldMax = 128 << 10

  /// The name of the layer under which a connection's log is held; nil when SQLite refuses it.
  static let layer: String? = {
    // SQLite's own statistics cost a lock for each piece of memory, and nobody reads them.
    assay_sqlite_count_no_memory()
    guard let system = unsafe sqlite3_vfs_find(nil) else { return nil }
    let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    unsafe layer.initialize(to: system.pointee)
    unsafe layer.pointee.zName = UnsafePointer(strdup(name))
    unsafe layer.pointee.pNext = nil
    unsafe layer.pointee.szOsFile = Int32(Held.offsetOfFile) + system.pointee.szOsFile
    unsafe layer.pointee.xOpen = { _, path, file, flags, outFlags in
      unsafe LogFile.open(path, file, flags, outFlags)
    }
    return unsafe sqlite3_vfs_register(layer, 0) == SQLITE_OK ? name : nil
  }()

  private static let name = "assay-log"

  /// A log becomes one of ours; every other file is the system's alone.
  private static func open(
    _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
    _ outFlags: UnsafeMutablePointer<Int32>?
  ) -> Int32 {
    guard let system = unsafe sqlite3_vfs_find(nil), let file = unsafe file,
      let open = unsafe system.pointee.xOpen
    else { return SQLITE_CANTOPEN }
    guard flags & SQLITE_OPEN_WAL != 0 else {
      return unsafe open(system, path, file, flags, outFlags)
    }
    let own = unsafe Held.file(of: file)
    let code = unsafe open(system, path, own, flags, outFlags)
    // Without methods, SQLite does not close it.
    unsafe file.pointee.pMethods = nil
    guard code == SQLITE_OK else { return code }
    unsafe Held.attach(Held(own), to: file)
    unsafe file.pointee.pMethods = methods
    return SQLITE_OK
  }

  /// Those that SQLite calls of a log; the rest are of its database's file. Unsafe in name only:
  /// nobody writes them after they are made.
  private nonisolated(unsafe) static let methods: UnsafePointer<sqlite3_io_methods> = {
    var methods = sqlite3_io_methods()
    methods.iVersion = 1
    unsafe methods.xClose = { file in unsafe Held.detach(file)?.close() ?? SQLITE_OK }
    unsafe methods.xRead = { file, bytes, count, offset in
      unsafe Held.of(file)?.read(bytes, count, offset) ?? SQLITE_IOERR
    }
    unsafe methods.xWrite = { file, bytes, count, offset in
      unsafe Held.of(file)?.write(bytes, count, offset) ?? SQLITE_IOERR
    }
    unsafe methods.xTruncate = { file, size in
      unsafe Held.of(file)?.truncate(size) ?? SQLITE_IOERR
    }
    unsafe methods.xSync = { file, flags in
      unsafe Held.of(file)?.sync(flags) ?? SQLITE_IOERR
    }
    unsafe methods.xFileSize = { file, size in
      unsafe Held.of(file)?.written { unsafe $0.xFileSize?($1, size) } ?? SQLITE_IOERR
    }
    unsafe methods.xLock = { file, kind in
      unsafe Held.of(file)?.written { unsafe $0.xLock?($1, kind) } ?? SQLITE_IOERR
    }
    unsafe methods.xUnlock = { file, kind in
      unsafe Held.of(file)?.written { unsafe $0.xUnlock?($1, kind) } ?? SQLITE_IOERR
    }
    unsafe methods.xCheckReservedLock = { file, answer in
      unsafe Held.of(file)?.written { unsafe $0.xCheckReservedLock?($1, answer) }
        ?? SQLITE_IOERR
    }
    unsafe methods.xFileControl = { file, question, answer in
      unsafe Held.of(file)?.written { unsafe $0.xFileControl?($1, question, answer) }
        ?? SQLITE_NOTFOUND
    }
    unsafe methods.xSectorSize = { file in
      unsafe Held.of(file)?.told { unsafe $0.xSectorSize?($1) } ?? 0
    }
    unsafe methods.xDeviceCharacteristics = { file in
      unsafe Held.of(file)?.told { unsafe $0.xDeviceCharacteristics?($1) } ?? 0
    }
    let kept = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    unsafe kept.initialize(to: methods)
    return unsafe UnsafePointer(kept)
  }()

  /// The log of a connection; nil when it has none of ours.
  fileprivate static func held(by handle: OpaquePointer) -> Held? {
    var file: UnsafeMutablePointer<sqlite3_file>?
    let code = unsafe withUnsafeMutablePointer(to: &file) {
      unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, $0)
    }
    guard code == SQLITE_OK, let file = unsafe file, unsafe file.pointee.pMethods == methods else {
      return nil
    }
    return unsafe Held.of(file)
  }
}

extension Connection {
  /// Ends a transaction of which something else knows until `syncLog`: its pages are in the log,
  /// where every reader finds them and a crash of the process leaves them, but a power cut may take
  /// them. What a power cut leaves is whole, and a beginning of what was committed.
  package func commitUnsynced() throws(SQLiteError) {
    let held = unsafe LogFile.held(by: handle)
    held?.isKeptElsewhere = true
    defer { held?.isKeptElsewhere = false }
    try commit()
  }

  /// Waits until all that was committed is on the disk.
  package func syncLog() throws(SQLiteError) {
    guard let held = unsafe LogFile.held(by: handle) else { return }
    let code = held.sync(SQLITE_SYNC_NORMAL)
    guard code == SQLITE_OK else {
      throw SQLiteError(code, message: "the log could not be synced")
    }
  }
}

/// An open log and the bytes that wait for it. In SQLite's memory: its methods, a reference to
/// this, and the system's file behind them. On the connection's thread.
@safe private final class Held {
  static let offsetOfFile = 16
  private static let offsetOfReference = 8

  private let file: UnsafeMutablePointer<sqlite3_file>
  /// Nil until something is written: a log that is only read needs no memory.
  private var bytes: UnsafeMutableRawPointer?
  private var start: Int64 = 0
  private var count = 0
  /// While a commit is made that needs no sync.
  var isKeptElsewhere = false
  /// The log begins anew, and its head is not on the disk.
  private var hasNewHead = false

  init(_ file: UnsafeMutablePointer<sqlite3_file>) { unsafe self.file = file }

  deinit { unsafe bytes?.deallocate() }

  // MARK: - SQLite's memory

  static func file(
    of place: UnsafeMutablePointer<sqlite3_file>
  ) -> UnsafeMutablePointer<sqlite3_file> {
    unsafe (UnsafeMutableRawPointer(place) + offsetOfFile)
      .assumingMemoryBound(to: sqlite3_file.self)
  }

  static func attach(_ held: Held, to place: UnsafeMutablePointer<sqlite3_file>) {
    unsafe UnsafeMutableRawPointer(place).storeBytes(
      of: Unmanaged.passRetained(held).toOpaque(), toByteOffset: offsetOfReference,
      as: UnsafeMutableRawPointer.self)
  }

  private static func reference(
    _ place: UnsafeMutablePointer<sqlite3_file>?
  ) -> Unmanaged<Held>? {
    guard let place = unsafe place else { return nil }
    let raw = unsafe UnsafeMutableRawPointer(place).load(
      fromByteOffset: offsetOfReference, as: UnsafeMutableRawPointer.self)
    return unsafe Unmanaged<Held>.fromOpaque(raw)
  }

  static func of(_ place: UnsafeMutablePointer<sqlite3_file>?) -> Held? {
    unsafe reference(place)?.takeUnretainedValue()
  }

  /// Lets go of the reference.
  static func detach(_ place: UnsafeMutablePointer<sqlite3_file>?) -> Held? {
    unsafe reference(place)?.takeRetainedValue()
  }

  // MARK: - Bytes

  func write(_ source: UnsafeRawPointer?, _ size: Int32, _ offset: Int64) -> Int32 {
    guard let source = unsafe source else { return SQLITE_IOERR }
    let size = Int(size)
    if offset == 0 { hasNewHead = true }
    if offset != start + Int64(count) || count + size > LogFile.heldMax {
      let code = flush()
      guard code == SQLITE_OK else { return code }
      start = offset
    }
    guard size <= LogFile.heldMax else { return unsafe pass(source, size, offset) }
    let room = unsafe bytes ?? .allocate(byteCount: LogFile.heldMax, alignment: 64)
    unsafe bytes = room
    unsafe (room + count).copyMemory(from: source, byteCount: size)
    count += size
    return SQLITE_OK
  }

  func read(_ target: UnsafeMutableRawPointer?, _ size: Int32, _ offset: Int64) -> Int32 {
    unsafe written { unsafe $0.xRead?($1, target, size, offset) }
  }

  /// A log that is cut to its beginning rests: its memory goes.
  func truncate(_ size: Int64) -> Int32 {
    let code = unsafe written { unsafe $0.xTruncate?($1, size) }
    unsafe bytes?.deallocate()
    unsafe bytes = nil
    return code
  }

  /// A new head is always synced, or it could reach the disk behind the frames that follow it: the
  /// old head would then find a part of the old frames, and put old pages over newer ones.
  func sync(_ flags: Int32) -> Int32 {
    var code = flush()
    if code == SQLITE_OK, hasNewHead || !isKeptElsewhere {
      code = unsafe told { unsafe $0.xSync?($1, flags) }
      if code == SQLITE_OK { hasNewHead = false }
    }
    return code
  }

  /// Asks the system's file after it got all that waits for it.
  func written(
    _ body: (sqlite3_io_methods, UnsafeMutablePointer<sqlite3_file>) -> Int32?
  ) -> Int32 {
    let code = flush()
    return code == SQLITE_OK ? unsafe told(body) : code
  }

  func told(
    _ body: (sqlite3_io_methods, UnsafeMutablePointer<sqlite3_file>) -> Int32?
  ) -> Int32 {
    guard let methods = unsafe file.pointee.pMethods else { return SQLITE_IOERR }
    return unsafe body(methods.pointee, file) ?? SQLITE_IOERR
  }

  /// What could not be written is dropped: SQLite hears of it and takes its commit back.
  private func flush() -> Int32 {
    guard count > 0, let bytes = unsafe bytes else { return SQLITE_OK }
    let size = count
    count = 0
    return unsafe pass(bytes, size, start)
  }

  private func pass(_ source: UnsafeRawPointer, _ size: Int, _ offset: Int64) -> Int32 {
    unsafe told { methods, file in unsafe methods.xWrite?(file, source, Int32(size), offset) }
  }

  /// After a close nothing is left to be told that bytes were lost; none wait that count, for
  /// every commit ends with a sync, or with what is spared one.
  func close() -> Int32 {
    _ = flush()
    return unsafe told { methods, file in unsafe methods.xClose?(file) }
  }
}
