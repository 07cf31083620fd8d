import Glibc
import JSON
import Machine

/// The store through its socket beside a bare C loop over SQLite that writes the same, grouped the
/// same way, turn about on the same disk.
final class StoreFamily {
  private let bench: Bench
  private static let rounds = 3
  private static let writers = 64
  private static let commitsEach = 400
  private static let singleCommits = 1500
  private static let manyVerdicts = 1_000_000
  private static let pages = 100

  init(_ bench: Bench) { self.bench = bench }

  func run() {
    measureCommits()
    measurePages()
  }

  // MARK: Commits

  private struct Round {
    let rows: Double
    let p50: Double
  }

  private func measureCommits() {
    do {
      let bare = try bench.compiled("sqlite_commits", libraries: ["-lsqlite3"])
      var ours: [Round] = []
      var theirs: [Round] = []
      for round in 0..<StoreFamily.rounds {
        theirs.append(try bareRound(bare, round))
        ours.append(try ourRound(round))
      }
      bench.report(
        "store.rows_vs_bare", median(zip(ours, theirs).map { $0.rows / $1.rows }), unit: "x",
        [
          ("verdicts_per_s", .number(median(ours.map(\.rows)).rounded())),
          ("bare_verdicts_per_s", .number(median(theirs.map(\.rows)).rounded())),
        ])
      bench.report(
        "store.commit_p50_vs_bare", median(zip(ours, theirs).map { $0.p50 / $1.p50 }), unit: "x",
        [
          ("p50_us", .number(median(ours.map(\.p50)).rounded())),
          ("bare_p50_us", .number(median(theirs.map(\.p50)).rounded())),
        ])
    } catch {
      bench.skip("store.rows_vs_bare", because: error)
      bench.skip("store.commit_p50_vs_bare", because: error)
    }
  }

  private func bareRound(_ program: String, _ round: Int) throws -> Round {
    let folder = "\(bench.scratch)/bare\(round)"
    try Files.makeDirectory(folder)
    defer { try? Files.removeTree(folder) }
    let loop = try PeerProcess(
      program,
      [
        "\(folder)/bare.db", "\(StoreFamily.writers)", "\(StoreFamily.commitsEach)",
        "\(StoreFamily.singleCommits)",
      ])
    let said = try loop.object()
    _ = try loop.finish()
    guard let rows = said["verdicts_per_s"]?.doubleValue, let p50 = said["p50_us"]?.doubleValue
    else { throw BenchError("the bare loop said \(said.text())") }
    return Round(rows: rows, p50: p50)
  }

  private func ourRound(_ round: Int) throws -> Round {
    let mesh = try StoreProcess(bench, "store\(round)")
    defer { mesh.stop() }
    let wide = try bench.load([
      "commits", "--store", mesh.address, "--writers", "\(StoreFamily.writers)", "--commits",
      "\(StoreFamily.commitsEach)",
    ])
    let alone = try bench.load([
      "commits", "--store", mesh.address, "--writers", "1", "--commits",
      "\(StoreFamily.singleCommits)",
    ])
    guard let rows = wide["verdicts_per_s"]?.doubleValue, let p50 = alone["p50_us"]?.doubleValue
    else { throw BenchError("the load said \(wide.text()) and \(alone.text())") }
    return Round(rows: rows, p50: p50)
  }

  // MARK: Pages of many

  private func measurePages() {
    do {
      let mesh = try StoreProcess(bench, "store-many")
      defer { mesh.stop() }
      let filled = try bench.load(
        ["fill", "--store", mesh.address, "--verdicts", "\(StoreFamily.manyVerdicts)"])
      let pages = try bench.load(
        ["pages", "--store", mesh.address, "--pages", "\(StoreFamily.pages)"])
      guard let p95 = pages["p95_us"]?.doubleValue, let count = filled["verdicts"]?.intValue,
        let seconds = filled["seconds"]?.doubleValue
      else { throw BenchError("the load said \(pages.text())") }
      bench.report(
        "store.query_page_p95_ms", p95 / 1000, unit: "ms",
        [
          ("verdicts", .number(count)), ("p50_us", pages["p50_us"] ?? .null),
          ("filled_per_s", .number((Double(count) / seconds).rounded())),
          ("resident_mb", .number(mesh.residentMegabytes)),
        ])
    } catch {
      bench.skip("store.query_page_p95_ms", because: error)
    }
  }
}

/// A store of the benchmark's own, in a folder of its own.
final class StoreProcess {
  let address: String
  private let process: PeerProcess
  private let folder: String

  init(_ bench: Bench, _ name: String) throws {
    folder = "\(bench.scratch)/\(name)"
    try Files.makeDirectory(folder)
    address = "unix:\(folder)/s.sock"
    process = try PeerProcess(
      try bench.product("assay-store"), [],
      environment: [
        "ASSAY_MESH_LISTEN": address, "ASSAY_STORE_PATH": "\(folder)/data",
        "SWIFT_BACKTRACE": "enable=no",
      ], isQuiet: true)
    try bench.waitForSocket("\(folder)/s.sock", of: process)
  }

  var pid: pid_t { process.pid }

  var residentMegabytes: Double {
    Double(Processes.facts(of: process.pid)?.residentByteCount ?? 0) / 1e6
  }

  func stop() {
    process.stop()
    try? Files.removeTree(folder)
  }
}
