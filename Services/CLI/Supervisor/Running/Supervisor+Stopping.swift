extension Supervisor {
  /// Stops all replicas, those that others depend on last; then `run` returns.
  ///
  /// Goes on when who asked for it goes away.
  package func stop() async {
    if phase == .idle { return end() }
    if phase == .running {
      phase = .stopping
      for probe in probes.values { probe.task.cancel() }
      Task {
        for level in stopLevels { await stop(level) }
        end()
      }
    }
    for await _ in changes() where phase == .ended { return }
  }

  /// Kills what still runs; `stop` then comes to its end.
  package func kill() {
    for runner in runners { runner.kill() }
  }

  private func end() {
    phase = .ended
    finishWatchers()
  }

  /// Services in the order they are stopped: each level after those that depend on it.
  private var stopLevels: [[String]] {
    var depth: [String: Int] = [:]
    // In start order, so that what a service depends on has its depth already.
    for service in plan.services {
      depth[service.name] = (service.dependsOn.compactMap { depth[$0] }.max() ?? -1) + 1
    }
    let deepest = depth.values.max() ?? 0
    return (0...deepest).reversed().map { level in
      plan.services.map(\.name).filter { depth[$0] == level }
    }
  }

  private func stop(_ services: [String]) async {
    for service in services {
      for runner in runners(of: service) { runner.stop() }
    }
    for await _ in changes() {
      let isOver = services.allSatisfy { service in
        runners(of: service).allSatisfy { !$0.machine.hasProcess }
      }
      if isOver { return }
    }
  }
}
