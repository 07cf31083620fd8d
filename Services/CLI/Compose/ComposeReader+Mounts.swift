import Faults
import YAML

extension ComposeReader {
  // MARK: - Where they are defined

  mutating func volumes(_ node: YAMLNode) -> [ComposeVolume] {
    if node.isNull { return [] }
    guard let mapping = mapping(node, at: "volumes") else { return [] }
    var found: [ComposeVolume] = []
    for entry in mapping.entries where !entry.key.hasPrefix("x-") {
      let place = "volumes.\(entry.key)"
      guard Self.isName(entry.key) else {
        report(entry.mark.line, "\(entry.key) is no name for a volume")
        continue
      }
      var volume = ComposeVolume(name: entry.key, isTemporary: false)
      if !entry.value.isNull {
        entries(of: entry.value, at: place, table: ComposeKeys.volume) { reader, _, node in
          guard let type = node["type"] else { return }
          volume.isTemporary = reader.text(type, at: "\(place).driver_opts.type") == "tmpfs"
        }
      }
      found.append(volume)
    }
    return found
  }

  /// Name and file of each secret.
  mutating func secrets(_ node: YAMLNode) -> [String: String] {
    if node.isNull { return [:] }
    guard let mapping = mapping(node, at: "secrets") else { return [:] }
    var found: [String: String] = [:]
    for entry in mapping.entries where !entry.key.hasPrefix("x-") {
      let place = "secrets.\(entry.key)"
      entries(of: entry.value, at: place, table: ComposeKeys.secret) { reader, _, node in
        found[entry.key] = reader.text(node, at: "\(place).file")
      }
      if found[entry.key] == nil { report(entry.mark.line, "\(place) has no file") }
    }
    return found
  }

  // MARK: - Where they are used

  mutating func mounts(_ node: YAMLNode, at place: String) -> [ComposeMount] {
    guard let nodes = node.sequence else {
      report(node, "\(place) must be a list, not \(node.kindName)")
      return []
    }
    if nodes.count > ComposeLimits.mountsMax {
      report(node, "\(place) has more than \(ComposeLimits.mountsMax) mounts (mountsMax)")
    }
    return nodes.prefix(ComposeLimits.mountsMax).compactMap { node in
      node.mapping == nil ? shortMount(node, at: place) : longMount(node, at: place)
    }
  }

  /// `volume:/path:ro`, `./folder:/path`, `/path`.
  private mutating func shortMount(_ node: YAMLNode, at place: String) -> ComposeMount? {
    guard let text = text(node, at: place) else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 3, !parts.contains("") else {
      report(node, "\(place): \(text) is not understood", hint: "volume:/path or volume:/path:ro")
      return nil
    }
    var isReadOnly = false
    for option in parts.count == 3 ? parts[2].split(separator: ",") : [] {
      guard Self.mountOptions.contains(String(option)) else {
        report(node, "\(place): there is no option \(option)", hint: "ro or rw")
        return nil
      }
      if option == "ro" { isReadOnly = true }
    }
    let target = parts.count == 1 ? parts[0] : parts[1]
    let source: ComposeMount.Source = parts.count == 1 ? .anonymous : Self.source(parts[0])
    return checked(
      ComposeMount(source: source, target: target, isReadOnly: isReadOnly), node, at: place)
  }

  private static let mountOptions: Set<String> = [
    "ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent",
  ]

  private static func source(_ text: String) -> ComposeMount.Source {
    text.hasPrefix("/") || text.hasPrefix(".") || text.hasPrefix("~") ? .bind(text) : .volume(text)
  }

  private mutating func longMount(_ node: YAMLNode, at place: String) -> ComposeMount? {
    var type = "volume"
    var sourceText: String?
    var target = ""
    var isReadOnly = false
    entries(of: node, at: place, table: ComposeKeys.mount) { reader, key, node in
      let here = "\(place).\(key)"
      switch key {
      case "type": type = reader.text(node, at: here) ?? type
      case "source": sourceText = reader.text(node, at: here)
      case "target": target = reader.text(node, at: here) ?? ""
      case "read_only": isReadOnly = reader.flag(node, at: here) ?? false
      default: break
      }
    }
    let source: ComposeMount.Source
    switch (type, sourceText) {
    case ("volume", let name?): source = .volume(name)
    case ("volume", nil), ("tmpfs", _): source = .anonymous
    case ("bind", let path?): source = .bind(path)
    case ("bind", nil):
      report(node, "\(place): a bind needs a source")
      return nil
    default:
      report(
        node, "\(place).type \(type) is not supported by assay up", hint: "volume, bind, tmpfs")
      return nil
    }
    return checked(
      ComposeMount(source: source, target: target, isReadOnly: isReadOnly), node, at: place)
  }

  private mutating func checked(
    _ mount: ComposeMount, _ node: YAMLNode, at place: String
  ) -> ComposeMount? {
    if !mount.target.hasPrefix("/") || mount.target == "/" {
      report(node, "\(place): \(mount.target) must be an absolute path below /")
      return nil
    }
    if case .bind(let path) = mount.source, path.hasPrefix("~") {
      report(node, "\(place): ~ is not expanded", hint: "write ${HOME}\(path.dropFirst())")
      return nil
    }
    return mount
  }

  /// `tmpfs: [/tmp:mode=1777]`: a scratch folder, but for those every process has already.
  mutating func temporaryMounts(_ node: YAMLNode, at place: String) -> [ComposeMount] {
    texts(node, at: place, singleCounts: true).compactMap { text in
      let target = String(text.prefix { $0 != ":" })
      if target == "/tmp" || target == "/var/tmp" {
        remark(place, node.mark.line, "temporary files go where TMPDIR says")
        return nil
      }
      return checked(ComposeMount(source: .anonymous, target: target), node, at: place)
    }
  }

  mutating func secretMounts(
    _ node: YAMLNode, at place: String, known: [String: String]
  ) -> [ComposeMount] {
    guard let nodes = node.sequence else {
      report(node, "\(place) must be a list, not \(node.kindName)")
      return []
    }
    return nodes.prefix(ComposeLimits.mountsMax).compactMap { node in
      var name = ""
      var target: String?
      if node.mapping == nil {
        name = text(node, at: place) ?? ""
      } else {
        entries(of: node, at: place, table: ComposeKeys.secretUse) { reader, key, node in
          let text = reader.text(node, at: "\(place).\(key)")
          if key == "source" { name = text ?? "" } else { target = text }
        }
      }
      guard let file = known[name] else {
        let near = Spelling.nearest(to: name, among: known.keys.sorted())
        report(
          node, "\(place): there is no secret \(name)", hint: near.map { "did you mean \($0)?" })
        return nil
      }
      let path = target ?? name
      return ComposeMount(
        source: .bind(file), target: path.hasPrefix("/") ? path : "/run/secrets/\(path)",
        isReadOnly: true)
    }
  }
}
