import Console
import EventLoop
import Faults
import JSON
import MeshAddressing
import MeshContract
import RPC
import ToolContext

/// `assay health`: ask sockets whether they serve.
enum HealthCommand {
  static let command = Command(
    "health", "ask services whether they serve",
    operands: Operands(
      "[ADDRESS|SERVICE…]", count: 0...Operands.operandsMax, completion: .services),
    flags: Flag.mesh + [
      Flag("timeout", value: "TIME", "for each answer; 3s unless given"),
      Flag("grpc-service", value: "NAME", "ask for this gRPC service instead of the whole server"),
    ],
    details: """
      Asks grpc.health.v1 at each address, or at each replica of the running mesh. An address
      unix-dir:/path stands for every socket in it; a socket that nobody listens on any more does
      not count, as long as one serves. In a service's own container that service's socket alone
      is asked. Exit code 0 when all serve, 7 otherwise.
      """,
    examples: ["assay health", "assay health gateway", "assay health unix-dir:/run/assay/store"]
  ) { context in
    let timeout = try TimeArgument.parse(context.invocation, "timeout") ?? .seconds(3)
    var targets: [MeshTarget] = []
    if context.operands.isEmpty { targets = try await MeshTarget.all(context) }
    var isDirectory = false
    for text in context.operands {
      targets += try await MeshTarget.resolve(text, context)
      isDirectory = isDirectory || text.hasPrefix("unix-dir:")
    }
    let answers = await ask(
      targets, service: context.invocation.value("grpc-service") ?? "", timeout: timeout, context)
    for answer in answers { show(answer, context.terminal) }
    let counted = isDirectory ? answers.filter { $0.status != .gone } : answers
    let isWell = !counted.isEmpty && counted.allSatisfy { $0.status == .serving }
    return isWell ? .success : .unavailable
  }

  /// What one server said.
  private struct Answer: Sendable {
    enum Status: String {
      case serving, notServing = "not serving", unknown = "unknown service"
      case gone = "nobody listens", silent = "no answer", refused
    }

    let target: MeshTarget
    let status: Status
    var detail = ""
    var elapsed = Duration.zero
  }

  private static func ask(
    _ targets: [MeshTarget], service: String, timeout: Duration, _ context: CommandContext
  ) async -> [Answer] {
    await withTaskGroup(of: (Int, Answer).self) { group in
      for (index, target) in targets.enumerated() {
        group.addTask(executorPreference: context.loop) {
          (index, await ask(target, service: service, timeout: timeout, context.loop))
        }
      }
      var answers: [Int: Answer] = [:]
      for await (index, answer) in group { answers[index] = answer }
      return targets.indices.compactMap { answers[$0] }
    }
  }

  private static func ask(
    _ target: MeshTarget, service: String, timeout: Duration, _ loop: EventLoop
  ) async -> Answer {
    let channel = Channel(to: target.address, on: loop)
    var options = CallOptions(timeout: timeout)
    options.patience = .upTo(min(timeout, .milliseconds(500)))
    let start = loop.nowNanoseconds
    do {
      let request = HealthCheckRequest(service: service)
      let answer = try await HealthClient(channel).check(request, options: options)
      let elapsed = Duration.nanoseconds(Int64(clamping: loop.nowNanoseconds - start))
      if answer.status == .serving {
        return Answer(target: target, status: .serving, elapsed: elapsed)
      }
      let info = try? await AdminClient(channel).info(InfoRequest(), options: options)
      let names = info?.waitingFor.joined(separator: ", ") ?? ""
      return Answer(
        target: target, status: .notServing, detail: names.isEmpty ? "" : "waiting for \(names)",
        elapsed: elapsed)
    } catch {
      let fault = Fault(describing: error)
      let status: Answer.Status =
        switch fault.code {
        case .notFound: .unknown
        case .unavailable: .gone
        case .deadlineExceeded: .silent
        default: .refused
        }
      return Answer(target: target, status: status, detail: fault.message)
    }
  }

  private static func show(_ answer: Answer, _ terminal: Terminal) {
    let microseconds = Int(answer.elapsed / .microseconds(1))
    if terminal.isJSON {
      terminal.line([
        "name": .string(answer.target.name), "address": .string(answer.target.address.description),
        "status": .string(answer.status.rawValue), "detail": .string(answer.detail),
        "microseconds": .number(microseconds),
      ])
      return
    }
    let isServing = answer.status == .serving
    var line =
      "\(answer.target.name)  "
      + terminal.painted(answer.status.rawValue, isServing ? .green : .red)
    if isServing { line += "  \(microseconds / 1000).\(microseconds / 100 % 10) ms" }
    if !answer.detail.isEmpty { line += "  \(Terminal.harmless(answer.detail))" }
    terminal.line(line)
  }
}
