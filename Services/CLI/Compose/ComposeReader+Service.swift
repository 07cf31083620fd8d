import YAML

extension ComposeReader {
  mutating func service(
    _ name: String, _ node: YAMLNode, secrets: [String: String]
  ) -> ComposeService {
    let place = "services.\(name)"
    var service = ComposeService(name: name, command: [])
    var entrypoint: [String] = []
    entries(of: node, at: place, table: ComposeKeys.service) { reader, key, node in
      let here = "\(place).\(key)"
      switch key {
      case "command": service.command = reader.words(node, at: here)
      case "entrypoint": entrypoint = reader.words(node, at: here)
      case "environment": service.environment = reader.environment(node, at: here)
      case "volumes": service.mounts += reader.mounts(node, at: here)
      case "tmpfs": service.mounts += reader.temporaryMounts(node, at: here)
      case "secrets": service.mounts += reader.secretMounts(node, at: here, known: secrets)
      case "depends_on": service.dependsOn = reader.dependencies(node, at: here)
      case "restart": service.restart = reader.restart(node, at: here) ?? .no
      case "healthcheck": service.healthcheck = reader.healthcheck(node, at: here)
      case "deploy": reader.deploy(node, at: here, into: &service)
      case "scale":
        let range = 0...ComposeLimits.replicasMax
        service.replicas = reader.number(node, at: here, within: range) ?? 1
      case "stop_grace_period": service.stopGracePeriod = reader.duration(node, at: here)
      case "working_dir": service.workingDirectory = reader.text(node, at: here)
      case "profiles": service.profiles = reader.texts(node, at: here)
      default: break
      }
    }
    service.command = entrypoint + service.command
    if service.command.isEmpty, node.mapping != nil {
      report(
        node, "\(place) has no command", hint: "an image's own command is not known here: write it")
    }
    return service
  }

  // MARK: - Environment

  private mutating func environment(
    _ node: YAMLNode, at place: String
  ) -> [(name: String, value: String?)] {
    var found: [(name: String, value: String?)] = []
    if let mapping = node.mapping {
      for entry in mapping.entries {
        let value = entry.value.isNull ? nil : text(entry.value, at: "\(place).\(entry.key)")
        found.append((entry.key, value))
      }
    } else {
      for text in texts(node, at: place) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        found.append((String(parts[0]), parts.count > 1 ? String(parts[1]) : nil))
      }
    }
    if found.count > ComposeLimits.variablesMax {
      report(node, "\(place) has more than \(ComposeLimits.variablesMax) variables (variablesMax)")
    }
    var names: Set<String> = []
    for (name, _) in found {
      if name.isEmpty || name.utf8.contains(0) || name.contains("=") {
        report(node, "\(place) has a variable without a proper name")
      } else if !names.insert(name).inserted {
        report(node, "\(place) sets \(name) twice")
      }
    }
    return Array(found.prefix(ComposeLimits.variablesMax))
  }

  // MARK: - Life

  private mutating func restart(_ node: YAMLNode, at place: String) -> RestartPolicy? {
    guard let text = text(node, at: place) else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("no", 1): return .no
    case ("always", 1), ("unless-stopped", 1): return .always
    case ("on-failure", 1): return .onFailure(max: nil)
    case ("on-failure", 2):
      if let count = Int(parts[1]), count >= 0 { return .onFailure(max: count) }
    default: break
    }
    report(
      node, "\(place) is not understood: \(text)",
      hint: "no, always, unless-stopped, on-failure or on-failure:5")
    return nil
  }

  private mutating func dependencies(_ node: YAMLNode, at place: String) -> [String] {
    guard let mapping = node.mapping else { return texts(node, at: place) }
    return mapping.entries.map { entry in
      let here = "\(place).\(entry.key)"
      entries(of: entry.value, at: here, table: ComposeKeys.dependency) { reader, key, node in
        guard key == "condition", let condition = reader.text(node, at: here) else { return }
        if condition == "service_completed_successfully" {
          reader.report(
            node, "\(here).condition: \(condition) is not supported by assay up",
            hint: "do the work in the service that needs it")
        } else if condition != "service_started" {
          reader.remark(
            "\(here).condition", node.mark.line,
            "everything starts at once; services wait for each other themselves")
        }
      }
      return entry.key
    }
  }

  private mutating func healthcheck(_ node: YAMLNode, at place: String) -> ComposeHealthcheck? {
    var check = ComposeHealthcheck(test: [])
    var isDisabled = false
    entries(of: node, at: place, table: ComposeKeys.healthcheck) { reader, key, node in
      let here = "\(place).\(key)"
      switch key {
      case "test": check.test = reader.healthTest(node, at: here)
      case "interval": check.interval = reader.duration(node, at: here) ?? check.interval
      case "timeout": check.timeout = reader.duration(node, at: here) ?? check.timeout
      case "start_period": check.startPeriod = reader.duration(node, at: here) ?? .zero
      case "retries": check.retries = reader.number(node, at: here, within: 1...1000) ?? 3
      case "disable": isDisabled = reader.flag(node, at: here) ?? false
      default: break
      }
    }
    return isDisabled || check.test.isEmpty ? nil : check
  }

  private mutating func healthTest(_ node: YAMLNode, at place: String) -> [String] {
    let shell = ["/bin/sh", "-c"]
    guard node.sequence != nil else { return text(node, at: place).map { shell + [$0] } ?? [] }
    let words = texts(node, at: place)
    switch words.first {
    case "CMD"? where words.count > 1: return Array(words.dropFirst())
    case "CMD-SHELL"? where words.count == 2: return shell + [words[1]]
    case "NONE"? where words.count == 1: return []
    default:
      report(node, "\(place) is not understood", hint: "[\"CMD\", \"program\", …] or [\"NONE\"]")
      return []
    }
  }

  private mutating func deploy(
    _ node: YAMLNode, at place: String, into service: inout ComposeService
  ) {
    var replicas: Int?
    var stopsFirst = false
    entries(of: node, at: place, table: ComposeKeys.deploy) { reader, key, node in
      let here = "\(place).\(key)"
      switch key {
      case "replicas":
        replicas = reader.number(node, at: here, within: 0...ComposeLimits.replicasMax)
      case "mode":
        guard let mode = reader.text(node, at: here), mode != "replicated" else { return }
        reader.report(node, "\(here) must be replicated")
      case "update_config":
        reader.entries(of: node, at: here, table: ComposeKeys.updateConfig) { reader, _, node in
          switch reader.text(node, at: "\(here).order") {
          case "stop-first"?: stopsFirst = true
          case "start-first"?, nil: break
          default: reader.report(node, "\(here).order must be start-first or stop-first")
          }
        }
      default: break
      }
    }
    service.replicas = replicas ?? service.replicas
    service.stopsFirst = stopsFirst
  }
}
