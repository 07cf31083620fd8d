// Benchmarks: measures what the design promises and holds it against the bars in thresholds.json.
// Every figure is a ratio of, or stands beside, another implementation measured in the same minute
// on the same machine, turn about, as a median of rounds. It starts real processes over real
// sockets, never runs anything inside itself, and names what it cannot measure as skipped.

import Glibc

@main struct Main {
  /// `Benchmarks [FAMILY …]`: one line of JSON per figure; 1 when a bar is missed.
  static func main() {
    do {
      exit(try measure(Array(CommandLine.arguments.dropFirst())) ? 0 : 1)
    } catch {
      print("{\"error\":\"\(error)\"}")
      exit(2)
    }
  }

  /// Whether every bar that could be measured was met.
  private static func measure(_ chosen: [String]) throws -> Bool {
    for name in chosen where Bench.families[name] == nil {
      throw BenchError("there is no family \(name), only \(Bench.families.keys.sorted())")
    }
    let bench = try Bench { line in
      print(line)
      fflush(nil)
    }
    for (name, family) in Bench.families.sorted(by: { $0.key < $1.key })
    where chosen.isEmpty || chosen.contains(name) {
      family(bench)
    }
    return bench.missed == 0
  }
}
