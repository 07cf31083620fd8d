import Compose
import Console
import Descriptors
import EventLoop
import Faults
import RPC
import Supervisor
import ToolContext

/// A method to call, found by what somebody typed.
struct MethodTarget: Sendable {
  let channel: Channel
  let service: String
  let method: MethodSchema
  let schema: SchemaSet

  /// Finds `store/Info`, `store/Admin/Info`, `store/assay.admin.v1.Admin/Info` (a service or
  /// replica of the running mesh first), or `assay.admin.v1.Admin/Info` and `Admin/Info` at
  /// `address`, or wherever in the mesh it is served.
  static func find(
    _ text: String, at address: String?, _ context: CommandContext
  ) async throws -> MethodTarget {
    // gRPC writes a method's path with a slash in front.
    let parts = text.drop { $0 == "/" }.split(separator: "/", omittingEmptySubsequences: false)
      .map(String.init)
    guard (2...3).contains(parts.count), !parts.contains("") else {
      throw UsageError(
        "\(text) is no method", hint: "store/Info or assay.admin.v1.Admin/Info", verb: "call")
    }
    if let address {
      let targets = try await MeshTarget.resolve(address, context)
      let wanted = parts.count == 3 ? Array(parts.dropFirst()) : parts
      return try await find(wanted[0], wanted[1], among: targets, text, context)
    }
    if parts.count == 3 {
      let targets = try await MeshTarget.resolve(parts[0], context)
      return try await find(parts[1], parts[2], among: targets, text, context)
    }
    let mesh = try await MeshTarget.all(context)
    let own = mesh.filter { $0.service == parts[0] || $0.name == parts[0] }
    if !own.isEmpty { return try await find(nil, parts[1], among: own, text, context) }
    return try await find(parts[0], parts[1], among: mesh, text, context)
  }

  /// The first target that serves a method of that name, in a service of that name if given.
  private static func find(
    _ service: String?, _ method: String, among targets: [MeshTarget], _ text: String,
    _ context: CommandContext
  ) async throws -> MethodTarget {
    var known: [String] = []
    var asked: Set<String> = []
    // Replicas of one service are alike: one of them is enough.
    for target in targets where asked.insert(target.service ?? target.name).inserted {
      let channel = Channel(to: target.address, on: context.loop)
      let source = ReflectionSource(channel: channel)
      let names = try await source.serviceNames()
      let candidates = names.filter { service == nil || Self.matches($0, service ?? "") }
      let schema = try await source.schema(of: candidates)
      let found = candidates.compactMap { name in
        schema.service(name)?.methods.first { $0.name == method }.map { (name, $0) }
      }
      guard found.count <= 1 else {
        throw Fault(
          .invalidArgument, reason: "AMBIGUOUS_METHOD",
          "\(method) is a method of \(found.map(\.0).joined(separator: " and of ")).",
          hint: "name the service too: \(found[0].0)/\(method)")
      }
      if let (name, method) = found.first {
        return MethodTarget(channel: channel, service: name, method: method, schema: schema)
      }
      for name in candidates.isEmpty ? names : candidates {
        let methods = schema.service(name)?.methods.map { "\(name)/\($0.name)" } ?? [name]
        known += methods
      }
    }
    throw unknown(text, method, known)
  }

  /// A full name by itself, or by its last word.
  private static func matches(_ full: String, _ name: String) -> Bool {
    full == name || full.hasSuffix(".\(name)")
  }

  private static func unknown(_ text: String, _ method: String, _ known: [String]) -> Fault {
    let near =
      Spelling.nearest(to: text, among: known)
      ?? known.first { path in
        Spelling.nearest(
          to: method, among: [path.split(separator: "/").last.map(String.init) ?? ""])
          != nil
      }
    return Fault(
      .notFound, reason: "UNKNOWN_METHOD", "No method \(text) is served there.",
      hint: near.map { "did you mean \($0)?" } ?? "assay reflect lists what is served")
  }

  /// What the channel needs to know of the method; limits are the server's to hold.
  var descriptor: MethodDescriptor {
    let kind: MethodDescriptor.Kind =
      switch (method.isClientStreaming, method.isServerStreaming) {
      case (false, false): .unary
      case (true, false): .clientStreaming
      case (false, true): .serverStreaming
      case (true, true): .bidirectional
      }
    return MethodDescriptor(
      service: service, method: method.name, kind: kind,
      requestBytesMax: CommandLimits.requestBytesMax,
      responseBytesMax: CommandLimits.requestBytesMax)
  }
}
