import MeshContract
package import RPC

/// Health and reflection for a server that is no service of the mesh.
package enum StandardServices {
  /// `own`, and what every socket of ours serves beside it.
  package static func definitions(
    with own: [ServiceDefinition], health: HealthRegistry
  ) throws -> [ServiceDefinition] {
    let healthService = HealthService(registry: health).definition
    let index = try ReflectionIndex(
      (own + [healthService]).map(\.descriptor) + [
        ReflectionV1ServerReflectionMethods.descriptor,
        ReflectionV1AlphaServerReflectionMethods.descriptor,
      ])
    return own + [healthService] + ReflectionService(index: index).definitions
  }
}
