/// Something that stands around every call of a server: measure it, name it, refuse it.
///
/// `next` runs the rest of the call; an interceptor that refuses throws instead of calling it.
package protocol ServerInterceptor: Sendable {
  func intercept(
    _ context: ServerContext, _ next: () async throws -> Void
  ) async throws
}
