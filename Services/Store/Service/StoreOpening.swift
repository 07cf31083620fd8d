package import StoreBackend

/// How a keeper of facts is opened: its writer, its readers, copies of it. Each is called on the
/// thread that will use what it answers.
package struct StoreOpening: Sendable {
  package let writer: @Sendable () throws -> any StoreUpkeep
  package let reader: @Sendable () throws -> any StoreReading
  package let copy: @Sendable (_ path: String) throws -> any StoreCopying

  package init(
    writer: @escaping @Sendable () throws -> any StoreUpkeep,
    reader: @escaping @Sendable () throws -> any StoreReading,
    copy: @escaping @Sendable (_ path: String) throws -> any StoreCopying
  ) {
    self.writer = writer
    self.reader = reader
    self.copy = copy
  }
}
