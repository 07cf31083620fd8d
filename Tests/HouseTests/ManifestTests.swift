import JSON
import Testing

/// Package.swift as SwiftPM understands it, against the picture in `Architecture`.
@Suite(.timeLimit(.minutes(2))) struct ManifestTests {
  /// A target of the package: its name, folder, kind, settings and direct dependencies.
  struct Target: Sendable {
    let name: String
    let path: String
    let type: String
    let settings: Set<String>
    let dependencies: [String]

    var isSwift: Bool { type != "system" && !Architecture.isC(name) }
  }

  /// SwiftPM holds its build folder while tests run; the question needs a folder of its own.
  static let targets: [Target] = {
    let dump = Command("swift package --scratch-path .build/house dump-package 2>/dev/null")
    guard let manifest = try? JSONValue(parsing: dump.output) else { return [] }
    return manifest["targets"]?.arrayValue?.map(target(from:)) ?? []
  }()

  private static func target(from value: JSONValue) -> Target {
    Target(
      name: value["name"]?.stringValue ?? "", path: value["path"]?.stringValue ?? "",
      type: value["type"]?.stringValue ?? "",
      settings: Set((value["settings"]?.arrayValue ?? []).flatMap(settings(in:))),
      dependencies: (value["dependencies"]?.arrayValue ?? []).compactMap {
        $0["byName"]?[0]?.stringValue
      })
  }

  /// `{"kind": {"enableUpcomingFeature": {"_0": "ExistentialAny"}}}` says its name and its value.
  private static func settings(in value: JSONValue) -> [String] {
    (value["kind"]?.objectValue ?? JSONObject()).map { key, argument in
      argument["_0"]?.stringValue.map { "\(key) \($0)" } ?? key
    }
  }

  static let wantedSettings = Set(
    Features.upcoming.map { "enableUpcomingFeature \($0)" }
      + ["strictMemorySafety", "treatAllWarnings error"])

  @Test func `the manifest can be read`() {
    #expect(Self.targets.contains { $0.name == "HouseTests" && $0.path == "Tests/HouseTests" })
  }

  @Test func `every Swift target gets the same settings`() {
    for target in Self.targets where target.isSwift {
      let odd = target.settings.symmetricDifference(Self.wantedSettings)
      #expect(odd.isEmpty, "Package.swift: \(target.name) differs in \(odd.sorted())")
    }
  }

  @Test func `every Swift target stands where the picture has it`() {
    for target in Self.targets where target.isSwift {
      let place = Architecture.module(named: target.name)?.path ?? "nowhere"
      #expect(
        place == target.path,
        "Package.swift has \(target.name) at \(target.path), Architecture.swift \(place)")
    }
  }

  @Test func `every dependency goes down`() {
    for target in Self.targets where target.isSwift {
      guard let module = Architecture.module(named: target.name) else { continue }
      for name in target.dependencies {
        guard let other = Architecture.module(named: name) else { continue }
        let objection = ImportRules.objection(to: other, in: module)
        #expect(objection == nil, "Package.swift: \(target.name): \(objection ?? "")")
      }
    }
  }

  @Test func `every tested module has its tests`() {
    let tests = Self.targets.filter { $0.type == "test" }.map(\.name)
    let folders = Set(
      SourceTree.repository.swiftFiles.filter { $0.name != "Placeholder.swift" }
        .compactMap { Architecture.module(holding: $0.path)?.name })
    for name in tests {
      let tested = String(name.dropLast("Tests".count))
      guard folders.contains(tested) else { continue }
      let isTested = folders.contains(name)
      #expect(isTested, "\(tested) has code, and Tests/\(name) is empty")
    }
  }
}
