/// What is known of a method before it is called: generated from its proto, never written by hand.
///
/// A class, because every call keeps it several times over: a copy of its texts would count the
/// references of each.
package final class MethodDescriptor: Hashable, Sendable {
  package enum Kind: Sendable {
    case unary, clientStreaming, serverStreaming, bidirectional
  }

  /// `idempotency_level` of the proto: only methods that say so are ever retried after they ran.
  package enum Idempotency: Sendable {
    case unknown, noSideEffects, idempotent
  }

  /// Full name of the service, `assay.store.v1.Store`.
  package let service: String
  package let method: String
  /// The `:path` on the wire, `/assay.store.v1.Store/Commit`.
  package let path: String
  package let kind: Kind
  package let idempotency: Idempotency
  /// Who may call: names of services; `*` for any known peer. Empty: nobody but the service's
  /// own uid.
  package let callers: [String]
  /// A request above this is refused with RESOURCE_EXHAUSTED before it is unpacked.
  package let requestBytesMax: Int
  /// A response above this is refused by the client.
  package let responseBytesMax: Int

  package init(
    service: String, method: String, kind: Kind, idempotency: Idempotency = .unknown,
    callers: [String] = [], requestBytesMax: Int = MessageLimits.bytesDefault,
    responseBytesMax: Int = MessageLimits.bytesDefault
  ) {
    self.service = service
    self.method = method
    self.path = "/\(service)/\(method)"
    self.kind = kind
    self.idempotency = idempotency
    self.callers = callers
    self.requestBytesMax = requestBytesMax
    self.responseBytesMax = responseBytesMax
  }

  package static func == (one: MethodDescriptor, other: MethodDescriptor) -> Bool {
    one === other
      || (one.path == other.path && one.kind == other.kind
        && one.idempotency == other.idempotency && one.callers == other.callers
        && one.requestBytesMax == other.requestBytesMax
        && one.responseBytesMax == other.responseBytesMax)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(path) }
}

/// Bounds on one message.
package enum MessageLimits {
  /// 1 MiB, not gRPC's 4: protobuf-c takes up to 38 bytes of memory per byte of a hostile message.
  package static let bytesDefault = 1 << 20
}

/// A service as its proto describes it; reflection serves `descriptorSet`.
package struct ServiceDescriptor: Sendable {
  package let name: String
  package let methods: [MethodDescriptor]
  /// A serialized `google.protobuf.FileDescriptorSet` with the service's file and all its imports.
  package let descriptorSet: @Sendable () -> [UInt8]

  package init(
    name: String, methods: [MethodDescriptor], descriptorSet: @escaping @Sendable () -> [UInt8]
  ) {
    self.name = name
    self.methods = methods
    self.descriptorSet = descriptorSet
  }
}
