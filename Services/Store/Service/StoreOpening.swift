package import StoreBackend

/// How a keeper of facts is opened. Each is called on the thread that will use what it answers.
package struct StoreOpening: Sendable {
  package let writer: @Sendable () throws -> any StoreUpkeep
  package let reader: @Sendable () throws -> any StoreReading

  package init(
    writer: @escaping @Sendable () throws -> any StoreUpkeep,
    reader: @escaping @Sendable () throws -> any StoreReading
  ) {
    self.writer = writer
    self.reader = reader
  }
}
