import Faults
import Protobuf
import SQLite
import ScoreContract
import StoreBackend
import StoreContract

extension SQLiteWriter {
  // MARK: - Units and subjects

  /// The key of the new unit.
  func insert(_ unit: Unit, of run: WrittenRun, at now: Int64) throws(SQLiteError) -> Int64 {
    let insert = try connection.statement(
      """
      INSERT INTO units (run, ordinal, id, stage, unit_key, subject_kind, subject_id,
        subject_hash, rubric_hash, batch_group, payload)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    try insert.bind(run.key, at: 1)
    try insert.bind(unit.ordinal, at: 2)
    try insert.bind(unit.id, at: 3)
    try insert.bind(Int64(unit.stage), at: 4)
    try insert.bind(unit.unitKey, at: 5)
    try bind(unit.subject, on: insert, from: 6)
    try insert.bind(unit.rubricHash, at: 9)
    try insert.bind(unit.group, at: 10)
    try insert.bind(unit.payload, at: 11)
    try insert.run()
    let key = connection.lastKey
    let state = try connection.statement(
      """
      INSERT INTO unit_states (unit, state, skip_reason, tries, batch) VALUES (?, 1, 0, 0, ?)
      """)
    try state.bind(key, at: 1)
    try state.bind(unit.batch, at: 2)
    try state.run()
    if let subject = unit.subject { try meet(subject, of: run, at: now) }
    return key
  }

  private func meet(
    _ subject: SubjectRef, of run: WrittenRun, at now: Int64
  ) throws(SQLiteError) {
    let insert = try connection.statement(
      """
      INSERT INTO subjects (product, kind, id, content_hash, first_seen_at)
      VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    try insert.bind(run.product, at: 1)
    try bind(subject, on: insert, from: 2)
    try insert.bind(now, at: 5)
    try insert.run()
  }

  // MARK: - Rubrics

  func put(
    _ rubric: Rubric, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try rubric.check()
    let productKey = try key(of: product)
    let known = try sql { () throws(SQLiteError) in
      try RubricColumns.read(connection, rubric.hash, productKey)
    }
    if let known {
      guard known.says(theSameAs: rubric) else { throw .rubricDiffers(rubric.hash) }
      return .rubricPut(wasKnown: true)
    }
    try sql { () throws(SQLiteError) in
      let insert = try connection.statement(
        """
        INSERT INTO rubrics (product, hash, name, version, body, created_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """)
      try insert.bind(productKey, at: 1)
      try insert.bind(rubric.hash, at: 2)
      try insert.bind(rubric.name, at: 3)
      try insert.bind(Int64(rubric.version), at: 4)
      try insert.bind(rubric.body, at: 5)
      try insert.bind(now, at: 6)
      try insert.run()
    }
    return .rubricPut(wasKnown: false)
  }

  // MARK: - Labels

  func put(
    _ labels: [Label], in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try Label.check(labels)
    let productKey = try key(of: product)
    // All of them are looked at before the first is written.
    var fresh: [String: Label] = [:]
    var order: [String] = []
    for var label in labels {
      let known: Label?
      if let sibling = fresh[label.id] {
        known = sibling
      } else {
        known = try stored(label.id, productKey)
      }
      if let known {
        guard known.says(theSameAs: label) else { throw .labelDiffers(label.id) }
        continue
      }
      if label.createdAtUs == 0 { label.createdAtUs = now }
      fresh[label.id] = label
      order.append(label.id)
    }
    for id in order {
      guard let label = fresh[id] else { continue }
      try sql { () throws(SQLiteError) in try insert(label, productKey) }
    }
    return .labelsPut(added: order.count, known: labels.count - order.count)
  }

  private func stored(_ id: String, _ productKey: Int64) throws(Fault) -> Label? {
    try sql { () throws(SQLiteError) -> Label? in
      let row = try connection.statement("SELECT body FROM labels WHERE product = ? AND id = ?")
      try row.bind(productKey, at: 1)
      try row.bind(id, at: 2)
      defer { row.reset() }
      return try row.step() ? row.withBytes(at: 0) { try? Label(unpacking: $0) } : nil
    }
  }

  private func insert(_ label: Label, _ productKey: Int64) throws(SQLiteError) {
    let insert = try connection.statement(
      """
      INSERT INTO labels (product, id, rubric_name, subject_kind, subject_id, body)
      VALUES (?, ?, ?, ?, ?, ?)
      """)
    try insert.bind(productKey, at: 1)
    try insert.bind(label.id, at: 2)
    try insert.bind(label.rubricName, at: 3)
    try insert.bind(label.subject?.kind ?? "", at: 4)
    try insert.bind(label.subject?.id ?? "", at: 5)
    try insert.bind(label.packed(), at: 6)
    try insert.run()
  }

  // MARK: - Leases

  func acquire(
    _ name: String, for session: String, in product: ProductScope
  ) throws(Fault) -> WriteReceipt {
    try RequestCheck.lease(name, session: session)
    let productKey = try key(of: product)
    let token = (try lease(name, of: product)?.token ?? 0) + 1
    try write(
      StoredLease(product: product, name: name, session: session, token: token), productKey)
    return .leaseAcquired(token: token)
  }

  func end(
    _ name: String, _ token: UInt64, in product: ProductScope
  ) throws(Fault) -> WriteReceipt {
    guard let lease = try lease(name, of: product), lease.token == token else {
      return .leaseEnded
    }
    let productKey = try key(of: product)
    try write(StoredLease(product: product, name: name, session: "", token: token), productKey)
    return .leaseEnded
  }

  private func write(_ lease: StoredLease, _ productKey: Int64) throws(Fault) {
    try sql { () throws(SQLiteError) in
      let put = try connection.statement(
        """
        INSERT INTO leases (product, name, session, token) VALUES (?, ?, ?, ?)
        ON CONFLICT (product, name) DO UPDATE SET
          session = excluded.session, token = excluded.token
        """)
      try put.bind(productKey, at: 1)
      try put.bind(lease.name, at: 2)
      try put.bind(lease.session, at: 3)
      try put.bind(Int64(lease.token), at: 4)
      try put.run()
    }
    keep(lease)
  }
}

/// A rubric's row, as reader and writer read it.
enum RubricColumns {
  static func read(
    _ connection: Connection, _ hash: String, _ productKey: Int64
  ) throws(SQLiteError) -> Rubric? {
    let row = try connection.statement(
      "SELECT name, version, body, created_at FROM rubrics WHERE product = ? AND hash = ?")
    try row.bind(productKey, at: 1)
    try row.bind(hash, at: 2)
    guard try row.step() else { return nil }
    defer { row.reset() }
    return Rubric(
      hash: hash, name: row.text(at: 0),
      version: UInt32(truncatingIfNeeded: row.int64(at: 1)), body: row.bytes(at: 2),
      createdAtUs: row.int64(at: 3))
  }
}
