import Faults

extension ComposeReader {
  /// What can be wrong between services.
  mutating func check(_ file: ComposeFile) {
    let names = file.services.map(\.name)
    for service in file.services {
      for dependency in service.dependsOn where !names.contains(dependency) {
        report(
          service.line, "services.\(service.name) depends on \(dependency), which is no service",
          hint: Spelling.nearest(to: dependency, among: names).map { "did you mean \($0)?" })
      }
      if Set(service.dependsOn).count != service.dependsOn.count {
        report(service.line, "services.\(service.name).depends_on names a service twice")
      }
      check(mountsOf: service, in: file)
    }
    guard problems.isEmpty else { return }
    let placed = file.startOrder
    guard placed.count < file.services.count else { return }
    let left = file.services.filter { service in !placed.contains { $0.name == service.name } }
    report(
      left.first?.line ?? 0,
      "these services depend on each other in a circle: \(left.map(\.name).joined(separator: ", "))"
    )
  }

  private mutating func check(mountsOf service: ComposeService, in file: ComposeFile) {
    var targets: Set<String> = []
    for mount in service.mounts {
      if !targets.insert(mount.target).inserted {
        report(service.line, "services.\(service.name) mounts \(mount.target) twice")
      }
      guard case .volume(let name) = mount.source, file.volume(name) == nil else { continue }
      let near = Spelling.nearest(to: name, among: file.volumes.map(\.name))
      report(
        service.line, "services.\(service.name) mounts \(name), which is not under volumes:",
        hint: near.map { "did you mean \($0)?" } ?? "a path begins with / or ./")
    }
  }
}
