import Console
import Failpoints
import Faults
import JSON
import Machine
import Proof
import Supervisor
package import ToolContext

/// `assay prove`: a mesh of its own is killed again and again, and then added up from outside.
package enum ProveCommand {
  package static let command = Command(
    "prove", "kill a mesh at random while it scores, and add up what it kept",
    flags: [
      Flag("kills", value: "COUNT", "how many kill -9; 200 unless given"),
      Flag("seed", value: "NUMBER", "the same again; a new one unless given"),
      Flag(
        "failpoint", value: "NAME:COUNT", repeats: true,
        "instead: end a process when it passes this place for the COUNT-th time"),
      Flag("preload", value: "LIBRARY", "start the store with this library, a disk that forgets"),
    ],
    details: """
      Starts a store and two orchestrators in a folder of its own, with a scripted provider in
      this process whose log is the oracle, and kills them at random while runs go on. Then every
      run is compared with one that nobody disturbed: nothing lost, doubled, different, out of
      order or paid for twice. No mesh of yours is touched. Exit code 1 when anything is wrong;
      the folder with all logs is kept then.
      """,
    examples: [
      "assay prove", "assay prove --kills 1000 --seed 42",
      "assay prove --failpoint store.commit.before-commit:3",
    ]
  ) { context in
    var plan = ProofPlan(
      kills: Int(
        try number(context.invocation, "kills", in: 0...UInt64(ProofPlan.killsMax)) ?? 200),
      seed: try number(context.invocation, "seed", in: 0...UInt64.max)
        ?? UInt64.random(in: 0...999_999),
      executables: context.place.executableFolder,
      folder: "\(context.place.environment["TMPDIR"] ?? "/tmp")/assay-prove-\(Processes.own)")
    plan.storePreload = context.invocation.value("preload").map {
      Surroundings.absolute($0, in: context.place.workingDirectory)
    }
    plan.preloadVariables = context.place.environment.filter {
      $0.key.hasPrefix("POWERCUT_") || $0.key.hasPrefix("BADDISK_")
    }
    for name in ["assay-store", "assay-orchestrator"] {
      guard Files.isExecutable("\(plan.executables)/\(name)") else {
        throw Fault(
          .failedPrecondition, reason: "NOT_INSTALLED",
          "\(name) does not lie beside assay, in \(plan.executables).", hint: "make build")
      }
    }
    context.terminal.talk("seed \(plan.seed), in \(plan.folder)")
    let orders = try context.invocation.values("failpoint").map(order)
    return orders.isEmpty
      ? try await kill(plan, context) : try await sweep(plan, orders, context)
  }

  private static func kill(
    _ plan: ProofPlan, _ context: CommandContext
  ) async throws -> ExitCode {
    let terminal = context.terminal
    let report = try await Proof.run(plan, on: context.loop) { terminal.talk($0) }
    if terminal.isJSON {
      terminal.line(report.json)
    } else {
      for line in report.lines { terminal.line(Terminal.harmless(line)) }
      terminal.line(verdict(report.isProven, plan, terminal))
    }
    return report.isProven ? .success : .failed
  }

  private static func sweep(
    _ plan: ProofPlan, _ orders: [Failpoint.Order], _ context: CommandContext
  ) async throws -> ExitCode {
    let terminal = context.terminal
    var plan = plan
    plan.specs = 3
    plan.textsPerSpec = 40
    try Files.makeDirectory(plan.folder)
    let sweep = CrashSweep(plan, on: context.loop)
    let undisturbed = try await sweep.undisturbed()
    var isProven = true
    for order in orders {
      let outcome = try await sweep.crash(at: order, against: undisturbed)
      isProven = isProven && outcome.isProven
      if terminal.isJSON {
        var line = outcome.report.json.objectValue ?? JSONObject()
        line["failpoint"] = .string(order.name)
        line["count"] = .number(order.count)
        line["reached"] = .bool(outcome.isReached)
        terminal.line(.object(line))
        continue
      }
      let word =
        !outcome.report.isProven ? "WRONG" : outcome.isReached ? "ok" : "not passed that often"
      let painted = terminal.painted(word, outcome.isProven ? .green : .red)
      terminal.line("\(order.name):\(order.count)  \(painted)")
      for finding in outcome.report.findings.prefix(5) {
        terminal.line("  \(Terminal.harmless(finding))")
      }
    }
    if isProven { try? Files.removeTree(plan.folder) }
    if !terminal.isJSON {
      terminal.line("\(orders.count) places: \(verdict(isProven, plan, terminal))")
    }
    return isProven ? .success : .failed
  }

  private static func verdict(
    _ isProven: Bool, _ plan: ProofPlan, _ terminal: Terminal
  ) -> String {
    isProven
      ? terminal.painted("proven", .green)
      : terminal.painted("NOT PROVEN", .red) + "; logs and database are in \(plan.folder)"
  }

  private static func order(_ text: String) throws(UsageError) -> Failpoint.Order {
    let name = text.prefix { $0 != ":" }
    let count = text.dropFirst(name.count + 1)
    guard
      let order = Failpoint.Order("\(name):\(count.isEmpty ? "1" : String(count)):abort")
    else {
      throw UsageError(
        "--failpoint takes a name and a count, not \(text)",
        hint: "--failpoint store.commit.before-commit:3", verb: "prove")
    }
    return order
  }

  private static func number(
    _ invocation: Invocation, _ flag: String, in range: ClosedRange<UInt64>
  ) throws(UsageError) -> UInt64? {
    guard let text = invocation.value(flag) else { return nil }
    guard let number = UInt64(text), range.contains(number) else {
      throw UsageError(
        "--\(flag) takes a number up to \(range.upperBound), not \(text)", verb: "prove")
    }
    return number
  }
}
