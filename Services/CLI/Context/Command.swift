// ToolContext: what every verb of `assay` works with: the words it was given, the place it was
// started in, the mesh it means and how to reach it. It holds no verb and prints nothing.
// Limits: `CommandLimits`.

package import Console

/// A verb with what it does.
package struct Command: Sendable {
  package let verb: Verb
  package let run: @Sendable (CommandContext) async throws -> ExitCode

  package init(
    _ name: String, _ summary: String, operands: Operands = .none, flags: [Flag] = [],
    details: String = "", examples: [String] = [], isHidden: Bool = false,
    run: @escaping @Sendable (CommandContext) async throws -> ExitCode
  ) {
    verb = Verb(
      name, summary, operands: operands, flags: flags, details: details, examples: examples,
      isHidden: isHidden)
    self.run = run
  }
}

extension Flag {
  /// Flags of verbs that speak of one mesh.
  package static let mesh: [Flag] = [
    Flag(
      "file", value: "PATH",
      "the compose file; $ASSAY_COMPOSE_FILE, or compose.yaml here or above, unless given"),
    Flag("project", value: "NAME", "the mesh's name, when not the compose file's"),
  ]
}
