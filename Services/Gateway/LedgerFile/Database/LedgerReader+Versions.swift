package import Faults
package import GatewayValues
import SQLite

/// One price of a model, as its history tells it.
package struct PriceVersion: Hashable, Sendable {
  package let model: String
  package let entry: PriceTable.Entry
  package let origin: ChangeNote.Origin
}

/// One word on a product.
package struct ProductVersion: Hashable, Sendable {
  package let product: LedgerProduct
  package let origin: ChangeNote.Origin
}

/// A key as it stands now, and since when.
package struct KeyRecord: Hashable, Sendable {
  package var key: LedgerKey
  package var createdAt: Int64
  package var revokedAt: Int64?
  package var origin: ChangeNote.Origin
}

/// One line of who changed what.
package struct LoggedChange: Hashable, Sendable {
  package let at: Int64
  package let origin: String
  package let actor: String
  package let action: String
  package let subject: String
  package let detail: String
}

extension LedgerReader {
  /// All prices that were ever set, in that order.
  package func priceVersions() throws(Fault) -> [PriceVersion] {
    try ask { () throws(SQLiteError) in try StoredBudgets.priceVersions(on: connection) }
  }

  /// All words on products, in their order.
  package func productVersions() throws(Fault) -> [ProductVersion] {
    try ask { () throws(SQLiteError) in
      let row = try connection.statement(
        "SELECT name, limits, is_removed, note FROM product_versions ORDER BY number")
      var found: [ProductVersion] = []
      while try row.step() {
        guard let name = GatewayName(row.text(at: 0)) else {
          throw SQLiteError(11, message: "a product cannot be read")
        }
        var product = LedgerProduct(name: name, limits: row.bytes(at: 1))
        product.isRemoved = row.int64(at: 2) == 1
        found.append(
          ProductVersion(product: product, origin: ChangeNote.origin(ofStored: row.text(at: 3))))
      }
      return found
    }
  }

  /// Every key that the ledger knows, in the order of their first words.
  package func keyRecords() throws(Fault) -> [KeyRecord] {
    try ask { () throws(SQLiteError) in
      let row = try connection.statement(
        """
        SELECT hash, name, product, role, limits, is_revoked, set_at, note FROM key_versions
        ORDER BY number
        """)
      var found: [KeyRecord] = []
      var places: [[UInt8]: Int] = [:]
      while try row.step() {
        guard let name = GatewayName(row.text(at: 1)), let product = GatewayName(row.text(at: 2)),
          let role = GatewayName(row.text(at: 3))
        else { throw SQLiteError(11, message: "a key cannot be read") }
        var key = LedgerKey(
          hash: row.bytes(at: 0), name: name, product: product, role: role,
          limits: row.bytes(at: 4))
        key.isRevoked = row.int64(at: 5) == 1
        let at = row.int64(at: 6)
        if let place = places[key.hash] {
          found[place].key = key
          if key.isRevoked, found[place].revokedAt == nil { found[place].revokedAt = at }
        } else {
          places[key.hash] = found.count
          found.append(
            KeyRecord(
              key: key, createdAt: at, revokedAt: key.isRevoked ? at : nil,
              origin: ChangeNote.origin(ofStored: row.text(at: 7))))
        }
      }
      return found
    }
  }

  /// The latest changes, the newest first.
  package func changes(countMax: Int) throws(Fault) -> [LoggedChange] {
    try ask { () throws(SQLiteError) in
      let row = try connection.statement(
        """
        SELECT at, origin, actor, action, subject, detail FROM change_log
        ORDER BY number DESC LIMIT ?
        """)
      try row.bind(min(max(1, countMax), LedgerLimits.pageMax), at: 1)
      var found: [LoggedChange] = []
      while try row.step() {
        found.append(
          LoggedChange(
            at: row.int64(at: 0), origin: row.text(at: 1), actor: row.text(at: 2),
            action: row.text(at: 3), subject: row.text(at: 4), detail: row.text(at: 5)))
      }
      return found
    }
  }
}
