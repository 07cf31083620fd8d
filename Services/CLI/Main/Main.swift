// The assay executable: the command line tool, on the process's own thread and streams.
import CommandLineTool
import Glibc

@main struct Main {
  static func main() { exit(CommandLineTool.main(Array(CommandLine.arguments.dropFirst()))) }
}
