import Faults
import GatewayPipeline
import GatewayProviders
import GatewayValues
import JSON
import SQLite

/// The tables of batches and files, and how a record stands in its row.
enum BatchTables {
  /// `Abch` in ASCII.
  static let applicationID: Int32 = 0x4162_6368
  static let version: Int32 = 1

  static func bringUpToDate(_ connection: Connection) throws(SQLiteError) {
    if try connection.userVersion == version { return }
    try connection.transaction(.writing) { () throws(SQLiteError) in
      try connection.execute(first)
      try connection.setApplicationID(applicationID)
      try connection.setUserVersion(version)
    }
  }

  private static let first = """
    CREATE TABLE batches (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL,
      api_key TEXT NOT NULL,
      dialect TEXT NOT NULL,
      provider TEXT NOT NULL,
      provider_key TEXT NOT NULL,
      requests INTEGER NOT NULL,
      created INTEGER NOT NULL,
      metadata BLOB NOT NULL,
      input_file TEXT NOT NULL,
      headers TEXT NOT NULL,
      stage INTEGER NOT NULL,
      provider_id TEXT NOT NULL,
      result_files TEXT NOT NULL,
      is_canceled INTEGER NOT NULL,
      is_cancel_told INTEGER NOT NULL,
      sends INTEGER NOT NULL,
      looks INTEGER NOT NULL,
      rest INTEGER NOT NULL,
      next_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      ended_at INTEGER,
      canceled_at INTEGER,
      is_gathered INTEGER NOT NULL,
      -- What is sent, until the provider has it.
      body BLOB
    ) STRICT;
    CREATE INDEX batches_of_product ON batches (product, number);
    CREATE INDEX batches_open ON batches (stage) WHERE stage <> 8;
    CREATE INDEX batches_by_provider_id ON batches (provider_id);

    CREATE TABLE items (
      batch TEXT NOT NULL,
      number INTEGER NOT NULL,
      custom_id TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      outcome INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 5),
      result BLOB,
      -- Of a call of ours, until it has been answered.
      call_key TEXT,
      request_hash BLOB,
      run TEXT,
      model TEXT,
      deadline INTEGER,
      body BLOB,
      PRIMARY KEY (batch, number)
    ) STRICT;
    CREATE INDEX items_of_calls ON items (batch, number) WHERE body IS NOT NULL;

    CREATE TABLE files (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL,
      name TEXT NOT NULL,
      created INTEGER NOT NULL,
      byte_count INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;
    CREATE INDEX files_of_product ON files (product, number);
    """

  static let columns = """
    id, product, api_key, dialect, provider, provider_key, requests, created, metadata,
    input_file, headers, stage, provider_id, result_files, is_canceled, is_cancel_told, sends,
    looks, rest, next_at, expires_at, ended_at, canceled_at, is_gathered
    """

  /// The row that a statement over `columns` stands on; nil when it says nothing.
  static func record(_ row: Statement) -> BatchRecord? {
    guard let product = GatewayName(row.text(at: 1)), let key = GatewayName(row.text(at: 2)),
      let dialect = Dialect(rawValue: row.text(at: 3)),
      let provider = GatewayName(row.text(at: 4)), let providerKey = GatewayName(row.text(at: 5)),
      let stage = BatchMachine.Stage(rawValue: row.int64(at: 11)),
      let rest = BatchOutcome(rawValue: row.int64(at: 18))
    else { return nil }
    var record = BatchRecord(
      id: row.text(at: 0), caller: Caller(product: product, key: key), dialect: dialect,
      way: BatchWay(provider: provider, key: providerKey), requests: row.int(at: 6),
      created: row.int64(at: 7))
    record.metadata = row.bytes(at: 8)
    record.inputFile = row.text(at: 9)
    record.headers = row.text(at: 10).split(separator: "\n").compactMap { line in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return BatchRecord.HeaderLine(
        name: String(line[..<colon]), value: String(line[line.index(after: colon)...]))
    }
    record.machine.stage = stage
    record.machine.providerID = row.text(at: 12)
    record.resultFiles = row.text(at: 13).split(separator: " ").map(String.init)
    record.machine.isCanceled = row.int64(at: 14) == 1
    record.machine.isCancelTold = row.int64(at: 15) == 1
    record.machine.sends = row.int64(at: 16)
    record.machine.looks = row.int64(at: 17)
    record.machine.rest = rest
    record.machine.nextAt = row.int64(at: 19)
    record.machine.expiresAt = row.int64(at: 20)
    record.isGathered = row.int64(at: 23) == 1
    record.endedAt = row.isNull(at: 21) ? nil : row.int64(at: 21)
    record.canceledAt = row.isNull(at: 22) ? nil : row.int64(at: 22)
    return record
  }

  /// Binds what of a record changes, from a place on; answers the place behind it.
  static func bindState(
    _ record: BatchRecord, to row: Statement, from first: Int32
  ) throws(SQLiteError) -> Int32 {
    let machine = record.machine
    try row.bind(machine.stage.rawValue, at: first)
    try row.bind(machine.providerID, at: first + 1)
    try row.bind(record.resultFiles.joined(separator: " "), at: first + 2)
    let numbers: [Int64] = [
      machine.isCanceled ? 1 : 0, machine.isCancelTold ? 1 : 0, machine.sends, machine.looks,
      machine.rest.rawValue, machine.nextAt, machine.expiresAt,
    ]
    for (index, number) in numbers.enumerated() {
      try row.bind(number, at: first + 3 + Int32(index))
    }
    try row.bind(record.endedAt, at: first + 10)
    try row.bind(record.canceledAt, at: first + 11)
    return first + 12
  }
}
