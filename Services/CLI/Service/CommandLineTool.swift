// CommandLineTool: the verbs of `assay` as functions from words to an exit code. It reads the
// command line by one table, talks to a running mesh through its sockets like any other client,
// and starts one through Supervisor. It holds no business rule, keeps no state between two
// calls, and speaks through Terminal alone: data on standard output, talk on standard error.
// Limits: `CommandLimits` of ToolContext.

package import Console
package import EventLoop
import Faults
import Lifecycle
import Machine
package import Supervisor
import ToolContext

/// The tool as a whole.
package enum CommandLineTool {
  /// The whole of `assay`'s main; answers the exit code.
  package static func main(_ words: [String]) -> Int32 {
    let place = Surroundings.current
    do {
      let loop = try EventLoop(name: "assay", limits: limits)
      let code = Lifecycle.block(on: loop) { await run(words, in: place, on: loop) }
      return (code ?? .failed).rawValue
    } catch {
      let terminal = Terminal(json: false, environment: place.environment)
      terminal.report(Fault(.internal, reason: "NO_LOOP", "\(error)"))
      return ExitCode.failed.rawValue
    }
  }

  /// Reading a file or asking /proc is work here, not a stall worth a word.
  private static var limits: EventLoopLimits {
    var limits = EventLoopLimits()
    limits.stallLimit = .seconds(10)
    return limits
  }

  /// Runs one command line; `terminal` is made for it unless a test gives its own.
  package static func run(
    _ words: [String], in place: Surroundings, on loop: EventLoop, terminal given: Terminal? = nil
  ) async -> ExitCode {
    let wantsJSON = words.prefix { $0 != "--" }.contains("--json")
    let terminal = given ?? Terminal(json: wantsJSON, environment: place.environment)
    do {
      let invocation = try CommandTable.parser.parse(words)
      guard let command = CommandTable.command(invocation.verb) else { return .usage }
      let context = CommandContext(
        invocation: invocation, terminal: terminal, place: place, loop: loop)
      return try await command.run(context)
    } catch let error as UsageError {
      report(error, terminal)
      return .usage
    } catch {
      let fault = Fault(describing: error)
      terminal.report(fault)
      if let cause = fault.cause { terminal.talk("cause: \(Terminal.harmless(cause))") }
      return ExitCode(fault)
    }
  }

  private static func report(_ error: UsageError, _ terminal: Terminal) {
    terminal.report(
      Fault(.invalidArgument, reason: "USAGE", "\(error.message).", hint: error.hint))
    let usage = error.verb.flatMap(CommandTable.parser.verb)?.usage ?? "assay VERB [FLAGS] [WORDS]"
    terminal.talk("usage: \(usage)")
  }
}
