// LoadPeer: callers of a store and of an orchestrator as many as a benchmark wants: writers,
// watchers, runs. It measures what it sees from outside, prints one line of JSON and ends. It
// decides nothing and is no part of the mesh.
//
//   commits --store A --writers N --commits M      M commits of one verdict by each of N writers
//   fill --store A --verdicts N                    as many verdicts as fast as it goes
//   pages --store A --pages N                      N pages of a query by score, each timed
//   followers --store A --followers K --rate N --seconds S
//                                                  K calls follow a run that gets N events a second
//   run --orchestrator A --texts N --per-call P --width W [--watchers K]
//       [--gateway A]                             and what its calls took
import EventLoop
import Glibc
import JSON
import MeshAddressing
import RPC

@main struct Main {
  static func main() {
    do {
      let loop = try EventLoop(name: "load")
      let words = Words(Array(CommandLine.arguments.dropFirst()))
      Task(executorPreference: loop) {
        do {
          print(try await run(words, on: loop).text())
          exit(0)
        } catch {
          print("{\"error\":\"\(error)\"}")
          exit(1)
        }
      }
      loop.run()
    } catch {
      print("{\"error\":\"\(error)\"}")
      exit(1)
    }
  }

  private static func run(_ words: Words, on loop: EventLoop) async throws -> JSONValue {
    switch words.verb {
    case "commits":
      return try await StoreLoad(words.address("store"), on: loop)
        .commits(writers: words.int("writers", 64), each: words.int("commits", 1000))
    case "fill":
      return try await StoreLoad(words.address("store"), on: loop)
        .fill(words.int("verdicts", 1_000_000))
    case "pages":
      return try await StoreLoad(words.address("store"), on: loop).pages(words.int("pages", 200))
    case "followers":
      return try await StoreLoad(words.address("store"), on: loop).followers(
        words.int("followers", 1000), perSecond: words.int("rate", 300),
        seconds: words.int("seconds", 10))
    case "run":
      return try await RunLoad(words.address("orchestrator"), on: loop).run(
        texts: words.int("texts", 1000), perCall: words.int("per-call", 1),
        width: words.int("width", 16), watchers: words.int("watchers", 0),
        gateway: try? words.address("gateway"))
    default: throw LoadError("commits, fill, pages, followers or run")
    }
  }
}

/// What went wrong, for the benchmark's log.
struct LoadError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// `verb --name value …`.
struct Words {
  let verb: String
  private var values: [String: String] = [:]

  init(_ words: [String]) {
    verb = words.first ?? ""
    var rest = words.dropFirst()
    while let name = rest.popFirst(), let value = rest.popFirst() {
      values[String(name.drop { $0 == "-" })] = value
    }
  }

  func int(_ name: String, _ standard: Int) -> Int { values[name].flatMap(Int.init) ?? standard }

  func address(_ name: String) throws -> MeshAddress {
    guard let text = values[name] else { throw LoadError("--\(name) ADDRESS is missing") }
    return try MeshAddress(text)
  }
}

/// Times that were measured, in microseconds.
struct Times {
  private(set) var values: [Double] = []

  mutating func add(nanoseconds: UInt64) { values.append(Double(nanoseconds) / 1000) }
  mutating func add(_ other: Times) { values += other.values }

  func percentile(_ share: Double) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }
}
