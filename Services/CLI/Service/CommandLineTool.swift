// CommandLineTool: the verbs of `assay` as functions from words to an exit code. It reads the
// command line by one table, talks to a running mesh through its sockets like any other client,
// and starts one through Supervisor. It holds no business rule, keeps no state between two
// calls, and speaks through Terminal alone: data on standard output, talk on standard error.
// Limits: `CommandLimits`.

/// Bounds on what a command reads or prints.
package enum CommandLimits {
  /// A request body given as `@file` or on standard input.
  package static let requestBytesMax = 16 << 20
}
