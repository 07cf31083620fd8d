package import Protobuf

/// One method bound to its logic, as the server keeps it.
package final class MethodHandler: Sendable {
  package let descriptor: MethodDescriptor
  let makeCall: @Sendable () -> any ServerCall

  private init(
    descriptor: MethodDescriptor, _ makeCall: @escaping @Sendable () -> any ServerCall
  ) {
    self.descriptor = descriptor
    self.makeCall = makeCall
  }

  /// One request, one answer.
  package static func unary<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor,
    _ body: @escaping @Sendable (Q, ServerContext) async throws -> A
  ) -> MethodHandler {
    MethodHandler(descriptor: method) {
      SingleRequestCall<Q> { request, context in
        try context.stream.answer(try await body(request, context))
      }
    }
  }

  /// One request, many answers.
  package static func serverStreaming<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor,
    _ body: @escaping @Sendable (Q, ResponseWriter<A>, ServerContext) async throws -> Void
  ) -> MethodHandler {
    MethodHandler(descriptor: method) {
      SingleRequestCall<Q> { request, context in
        try await body(request, ResponseWriter(stream: context.stream), context)
      }
    }
  }

  /// Many requests, one answer.
  package static func clientStreaming<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor,
    _ body: @escaping @Sendable (RequestStream<Q>, ServerContext) async throws -> A
  ) -> MethodHandler {
    MethodHandler(descriptor: method) {
      StreamedRequestCall<Q> { requests, context in
        try context.stream.answer(try await body(requests, context))
      }
    }
  }

  /// Many both ways, each at its own pace.
  package static func bidirectional<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor,
    _ body:
      @escaping @Sendable (RequestStream<Q>, ResponseWriter<A>, ServerContext) async throws -> Void
  ) -> MethodHandler {
    MethodHandler(descriptor: method) {
      StreamedRequestCall<Q> { requests, context in
        try await body(requests, ResponseWriter(stream: context.stream), context)
      }
    }
  }
}

/// A service with all its methods, ready to be served.
package struct ServiceDefinition: Sendable {
  package let descriptor: ServiceDescriptor
  let handlers: [MethodHandler]

  package init(_ descriptor: ServiceDescriptor, handlers: [MethodHandler]) {
    self.descriptor = descriptor
    self.handlers = handlers
  }
}
