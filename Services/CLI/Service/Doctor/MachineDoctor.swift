import Console
import Machine
import SQLite
import Supervisor

/// Looks at the machine.
package enum MachineDoctor {
  /// Descriptors below which a busy service runs short.
  private static let descriptorsWanted: UInt64 = 4096
  private static let spaceWarned: UInt64 = 1_000_000_000
  private static let spaceNeeded: UInt64 = 100_000_000
  /// 2025-01-01: no build of this is older.
  private static let earliestSecond = 1_735_689_600

  static func findings(_ place: Surroundings, run: RunDirectory?) -> [Finding] {
    var findings = [kernel, landlock, seccomp, descriptors, clock, deathSignal(place)]
    findings += libraries + [database]
    if let run {
      for (subject, path) in [("run space", run.path), ("data space", run.dataPath)] {
        findings.append(space(subject, nearest(path)))
      }
    }
    return findings
  }

  private static var kernel: Finding {
    .ok("kernel", "Linux \(MachineFacts.kernelRelease), \(MachineFacts.processorCount) processors")
  }

  private static var landlock: Finding {
    guard let version = MachineFacts.landlockVersion else {
      return Finding(
        .warn, "landlock", "the kernel has no Landlock: workers cannot be shut in",
        remedy: "a kernel from 5.13 on, with landlock in its list of security modules")
    }
    return .ok("landlock", "version \(version)")
  }

  private static var seccomp: Finding {
    MachineFacts.hasSeccomp
      ? .ok("seccomp", "filters work")
      : Finding(
        .warn, "seccomp", "no filters: workers cannot be shut in",
        remedy: "a kernel with CONFIG_SECCOMP_FILTER")
  }

  private static var descriptors: Finding {
    guard let limit = MachineFacts.descriptorLimit else {
      return Finding(.warn, "descriptors", "the limit cannot be read")
    }
    let text = "\(limit.soft) open files, up to \(limit.hard)"
    return limit.hard < descriptorsWanted
      ? Finding(
        .warn, "descriptors", text,
        remedy: "raise the hard limit to \(descriptorsWanted): ulimit -Hn")
      : .ok("descriptors", text)
  }

  private static var clock: Finding {
    let now = MachineFacts.secondsSince1970
    return now < earliestSecond
      ? Finding(.fail, "clock", "it says \(now) s since 1970", remedy: "set the clock")
      : .ok("clock", "\(now) s since 1970")
  }

  private static func deathSignal(_ place: Surroundings) -> Finding {
    if let path = place.find("setpriv") {
      return .ok("setpriv", "\(path): services end with their supervisor")
    }
    return Finding(
      .warn, "setpriv", "not found: services outlive a supervisor that is killed",
      remedy: "install util-linux; the next up or down cleans up meanwhile")
  }

  /// The C libraries this program has loaded, with the versions in their names.
  private static var libraries: [Finding] {
    let wanted = ["libuv", "libnghttp2", "libprotobuf-c", "libyaml", "libz", "libsqlite3"]
    let maps = (try? Files.readText("/proc/self/maps")) ?? ""
    var names: Set<String> = []
    for line in maps.split(separator: "\n") {
      guard let path = line.split(separator: " ").last, path.hasPrefix("/") else { continue }
      let resolved = Files.resolved(String(path)) ?? String(path)
      let name = resolved.split(separator: "/").last.map(String.init) ?? ""
      if wanted.contains(where: { name.hasPrefix("\($0).") || name.hasPrefix("\($0)-") }) {
        names.insert(name)
      }
    }
    guard !names.isEmpty else { return [] }
    return [.ok("libraries", names.sorted().joined(separator: ", "))]
  }

  /// The library under the store's file; what it can do wrong, the store leaves it no chance to.
  private static var database: Finding {
    let text = "SQLite \(SQLiteLibrary.version)"
    guard SQLiteLibrary.hasWALResetBug else { return .ok("database", text) }
    return Finding(
      .warn, "database",
      "\(text) can damage a file that two connections write or checkpoint at once",
      remedy: "3.51.3 mends it; until then nothing: a store has one connection that does either, "
        + "and locks its file against a second store")
  }

  /// The path, or the first directory above it that is there.
  private static func nearest(_ path: String) -> String {
    var path = path
    while Files.facts(of: path, followingLinks: true) == nil, path != "/" {
      path = Surroundings.folder(of: path)
    }
    return path
  }

  private static func space(_ subject: String, _ path: String) -> Finding {
    guard let space = MachineFacts.space(at: path) else {
      return Finding(.warn, subject, "\(path) cannot be asked")
    }
    let text = "\(ByteText.short(space.free)) of \(ByteText.short(space.total)) free at \(path)"
    guard space.free < spaceWarned else { return .ok(subject, text) }
    return Finding(
      space.free < spaceNeeded ? .fail : .warn, subject, text,
      remedy: "make room, or choose another place: ASSAY_RUN_DIR, ASSAY_DATA_DIR")
  }
}
