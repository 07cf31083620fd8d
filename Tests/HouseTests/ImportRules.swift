/// Imports follow the picture: downwards only, services through contracts, one owner per C module.
enum ImportRules {
  static let all = [placed, direction, cModules, outside]

  static let placed = Rule(
    name: "file-in-a-module",
    purpose: "Give the folder a line in Architecture.swift and in Package.swift."
  ) { tree in
    tree.swiftFiles.filter { $0.path != "Package.swift" }
      .filter { Architecture.module(holding: $0.path) == nil }
      .map { $0.violation("file-in-a-module", line: 1, "no module of the house holds this file") }
  }

  static let direction = perImport(
    "import-direction", "Calls go down: see Architecture.swift and the picture in README.md."
  ) { name, module in
    guard let imported = Architecture.module(named: name) else { return nil }
    return objection(to: imported, in: module)
  }

  /// Why `module` may not import `imported`; nil when it may.
  static func objection(to imported: Module, in module: Module) -> String? {
    if imported.role == .test { return "nobody imports the tests \(imported.name)" }
    if imported.isInTests, !module.isInTests {
      return "\(imported.name) exists for tests only"
    }
    if module.isShared, imported.service != nil {
      return "Shared knows no service, so not \(imported.name) either"
    }
    switch imported.role {
    case .main: return "logic that others need does not belong in \(imported.name)"
    case .contract(let service): return objection(toContractOf: service, in: module)
    case .service(let service, _): return objection(toLogicOf: service, in: module)
    case .library, .test: break
    }
    if module.name == "HouseTests", !["JSON", "TestSupport"].contains(imported.name) {
      return "the house is looked at from outside, not through \(imported.name)"
    }
    if imported.rank >= module.rank {
      return "\(imported.name) does not stand below \(module.name)"
    }
    return nil
  }

  private static func objection(toContractOf service: String, in module: Module) -> String? {
    switch module.role {
    case .test: nil
    case .service(let own, let calls) where own == service || calls.contains(service): nil
    case .main(let own) where own == service: nil
    // What stands in for a caller in tests calls whom it likes.
    case .library where module.isInTests: nil
    // The rooms of a service speak its own values, and those of whom it calls.
    case .library where module.service.map({ Architecture.mayCall($0, service) }) == true: nil
    default: "\(module.name) does not call \(service)"
    }
  }

  private static func objection(toLogicOf service: String, in module: Module) -> String? {
    switch module.role {
    case .main(let own) where own == service: nil
    case .test
    where module.name == "MeshTests"
      || module.name == "\(Architecture.serviceModule(service))Tests"
      || module.name == "\(service)Tests":
      nil
    // Real parts in tests: a service is tested with the services it calls.
    case .test
    where Architecture.services.contains(where: {
      module.name == "\($0.name)ServiceTests" && $0.calls.contains(service)
    }):
      nil
    default: "another service is seen only through \(service)Contract"
    }
  }

  static let cModules = Rule(
    name: "one-owner-per-c-module",
    purpose: "A C library has one wrapper; ask its Swift module instead."
  ) { tree in
    var uses: [String: [(module: String, place: Violation)]] = [:]
    for file in tree.swiftFiles {
      guard let module = Architecture.module(holding: file.path) else { continue }
      for item in file.imports where Architecture.isC(item.module) {
        guard !isGeneratedConversion(file, importing: item.module) else { continue }
        let place = file.violation("one-owner-per-c-module", line: item.line, "")
        uses[item.module, default: []].append((module.name, place))
      }
    }
    return uses.sorted { $0.key < $1.key }.flatMap { name, places in
      let owners = Set(places.map(\.module)).sorted()
      guard owners.count > 1 else { return [Violation]() }
      let message = "\(name) is imported by \(owners.joined(separator: " and "))"
      return places.map { _, place in
        Violation(rule: place.rule, path: place.path, line: place.line, message: message)
      }
    }
  }

  private static func isGeneratedConversion(_ file: SourceFile, importing name: String) -> Bool {
    file.isGenerated && file.path.contains("/Contract/Generated/")
      && (name == "CProtobufC" || name.hasSuffix("Wire"))
  }

  static let outside = perImport(
    "import-from-outside", "Use Glibc, Synchronization and our own modules; tests also Testing."
  ) { name, module in
    guard Architecture.module(named: name) == nil, !Architecture.isC(name) else { return nil }
    if Architecture.outside.contains(name) { return nil }
    if module.isInTests, Architecture.outsideOfTests.contains(name) { return nil }
    return "\(name) is not one of the modules this house is built from"
  }

  private static func perImport(
    _ name: String, _ purpose: String,
    _ objection: @escaping @Sendable (String, Module) -> String?
  ) -> Rule {
    Rule(name: name, purpose: purpose) { tree in
      tree.swiftFiles.flatMap { file -> [Violation] in
        guard let module = Architecture.module(holding: file.path) else { return [] }
        return file.imports.compactMap { item in
          objection(item.module, module).map { file.violation(name, line: item.line, $0) }
        }
      }
    }
  }
}
