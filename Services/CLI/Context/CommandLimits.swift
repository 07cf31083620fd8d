/// Bounds on what a command reads or prints.
package enum CommandLimits {
  /// A request body given as `@file` or on standard input.
  package static let requestBytesMax = 16 << 20
}
