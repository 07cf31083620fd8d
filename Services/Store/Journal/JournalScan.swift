package import Faults
import StoreBackend

/// What of a journal's bytes a database has not.
package enum JournalScan {
  /// The records behind `applied`, the last group that the database holds, in the order in which
  /// they are to be done again; those that were taken back are left out.
  ///
  /// A journal ends where no whole record stands: its last may be torn, since nobody was answered
  /// before it was whole. Behind the end stand older ones, of the time before the journal began
  /// again. Where a newer one does, something in between was lost, and that is a fault.
  package static func records(
    in bytes: [UInt8], of life: JournalLife, behind applied: Int64
  ) throws(Fault) -> [JournalRecord] {
    var found: [JournalRecord] = []
    var last: Int64 = .min
    var offset = 0
    while let frame = JournalRecord.frame(at: offset, of: bytes, in: life), frame.number > last {
      last = frame.number
      if last > applied { found.append(try JournalRecord(bytes, frame.range)) }
      let block = JournalLimits.blockBytes
      offset = (frame.range.upperBound + block - 1) / block * block
    }
    let newest = max(last, applied)
    while offset < bytes.count {
      if let frame = JournalRecord.frame(at: offset, of: bytes, in: life), frame.number > newest {
        throw .journalDamaged("group \(frame.number) stands behind a record that is none")
      }
      offset += JournalLimits.blockBytes
    }
    return try linked(found, behind: applied)
  }

  /// Each builds upon the one before it.
  private static func linked(
    _ found: [JournalRecord], behind applied: Int64
  ) throws(Fault) -> [JournalRecord] {
    var records: [JournalRecord] = []
    var base = applied
    for (index, record) in found.enumerated() {
      guard record.kind != .void else { continue }
      if index + 1 < found.count, found[index + 1].kind == .void { continue }
      guard record.base == base else {
        throw .journalDamaged(
          "group \(record.number) builds upon group \(record.base), the database holds \(base)")
      }
      records.append(record)
      base = record.number
    }
    return records
  }
}
