/// Why nothing was generated; protoc prints the message.
package struct GenerationError: Error, Equatable {
  package let message: String

  package init(_ message: String) {
    self.message = message
  }
}
