import EventLoop
import Faults
import JSON
import MeshContract
import RPC
import Supervisor
import ToolContext

/// What one service is configured with.
package struct ServiceConfiguration: Sendable {
  /// One setting.
  package struct Entry: Equatable, Sendable {
    package let key: String
    package let value: String
    package let origin: String
  }

  package var entries: [Entry] = []
  package var warnings: [String] = []
  package var problems: [String] = []

  private static let timeout = Duration.seconds(10)
  private static let flag = "--show-configuration"

  /// What the service would run with: its own program says, as it alone knows its settings.
  ///
  /// `file` stands in for the assay.yaml that the program would find by itself.
  static func ask(
    _ plan: ServicePlan, file: String? = nil, on loop: EventLoop
  ) async throws(Fault) -> ServiceConfiguration {
    let replica = plan.replica(1)
    let outcome = await ProgramRun(on: loop).run(
      [plan.executable] + plan.arguments + [flag] + (file.map { ["--config", $0] } ?? []),
      environment: replica.environment, in: plan.workingDirectory, timeout: timeout)
    var found = ServiceConfiguration()
    for line in outcome.output { found.take(line) }
    let isAnswer = outcome.isSuccess || !found.problems.isEmpty
    guard isAnswer, !outcome.output.isEmpty else {
      throw Fault(
        .failedPrecondition, reason: "NO_CONFIGURATION",
        "\(plan.executable) does not say its configuration: \(outcome.ending).",
        hint: outcome.errors.last ?? "is it a service of assay?")
    }
    return found
  }

  /// What a running replica says it runs with.
  static func ask(_ target: MeshTarget, on loop: EventLoop) async throws -> ServiceConfiguration {
    let client = AdminClient(Channel(to: target.address, on: loop))
    let answer = try await client.configuration(
      ConfigurationRequest(), options: CallOptions(timeout: timeout))
    var found = ServiceConfiguration()
    found.entries = answer.entries.map {
      Entry(key: $0.key, value: $0.value, origin: $0.origin)
    }
    return found
  }

  /// A line of the program's answer.
  mutating func take(_ line: String) {
    guard let value = try? JSONValue(parsing: line) else { return }
    if let key = value["key"]?.stringValue {
      entries.append(
        Entry(
          key: key, value: value["value"]?.stringValue ?? "",
          origin: value["origin"]?.stringValue ?? ""))
    } else if let problem = value["problem"]?.stringValue {
      problems.append(problem)
    } else if let warning = value["warning"]?.stringValue {
      warnings.append(warning)
    }
  }
}
