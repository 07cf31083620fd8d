import Console
import Faults
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
    ],
    details: """
      Starts a store and two orchestrators in a folder of its own, with a scripted provider in
      this process whose log is the oracle, and kills them at random while runs go on. Then every
      run is compared with one that nobody disturbed: nothing lost, doubled, different, out of
      order or paid for twice. No mesh of yours is touched. Exit code 1 when anything is wrong;
      the folder with all logs is kept then.
      """,
    examples: ["assay prove", "assay prove --kills 1000 --seed 42"]
  ) { context in
    let seed =
      try number(context.invocation, "seed", in: 0...UInt64.max)
      ?? UInt64.random(
        in: 0...999_999)
    let kills = try number(context.invocation, "kills", in: 0...UInt64(ProofPlan.killsMax)) ?? 200
    let folder = "/tmp/assay-prove-\(Processes.own)"
    let plan = ProofPlan(
      kills: Int(kills), seed: seed, executables: context.place.executableFolder, folder: folder)
    for name in ["assay-store", "assay-orchestrator"] {
      guard Files.isExecutable("\(plan.executables)/\(name)") else {
        throw Fault(
          .failedPrecondition, reason: "NOT_INSTALLED",
          "\(name) does not lie beside assay, in \(plan.executables).", hint: "make build")
      }
    }
    let terminal = context.terminal
    terminal.talk("seed \(seed), in \(folder)")
    let report = try await Proof.run(plan, on: context.loop) { terminal.talk($0) }
    if terminal.isJSON {
      terminal.line(report.json)
    } else {
      for line in report.lines { terminal.line(Terminal.harmless(line)) }
      terminal.line(
        report.isProven
          ? terminal.painted("proven", .green)
          : terminal.painted("NOT PROVEN", .red) + "; logs and database are in \(folder)")
    }
    return report.isProven ? .success : .failed
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
