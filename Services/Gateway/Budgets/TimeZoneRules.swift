package import Faults
import GatewayValues
import Machine

/// The offsets of one time zone, read from the system's TZif file: no global zone, no locale.
package struct TimeZoneRules: Sendable {
  /// From `start` on, seconds since 1970.
  package struct Span: Hashable, Sendable {
    package let start: Int64
    package let offset: Int64
  }

  /// Ordered; the first begins before all time.
  private let spans: [Span]
  /// What holds after the last of them.
  private let rule: PosixTimeZone?

  package static let utc = TimeZoneRules(spans: [Span(start: .min, offset: 0)], rule: nil)
  package static let folder = "/usr/share/zoneinfo"
  private static let fileBytesMax = 1 << 18
  /// Beyond a day no zone has ever been off.
  private static let offsetMax: Int64 = 26 * 3_600

  private init(spans: [Span], rule: PosixTimeZone?) {
    self.spans = spans
    self.rule = rule
  }

  /// The rules of an IANA name; throws when this machine has none for it.
  package init(named name: String, in folder: String = folder) throws(Fault) {
    guard name != "UTC" else {
      self = .utc
      return
    }
    let isName =
      (1...64).contains(name.utf8.count) && name.first != "/" && !name.contains("..")
      && name.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
          || (0x61...0x7a).contains(byte) || "/_+-".utf8.contains(byte)
      }
    guard isName, let bytes = try? Files.read("\(folder)/\(name)", bytesMax: Self.fileBytesMax),
      let rules = TimeZoneRules(bytes)
    else {
      throw Fault(
        .invalidArgument, reason: "TIME_ZONE_UNKNOWN", "There is no time zone \(name) here.",
        hint: "Name one as IANA does, Europe/Berlin, and install the package tzdata.",
        facts: ["zone": name])
    }
    self = rules
  }

  /// nil when the bytes are no TZif file of version 2 or later.
  package init?(_ bytes: [UInt8]) {
    guard let first = TZifHeader(bytes, at: 0), first.version >= UInt8(ascii: "2"),
      let header = TZifHeader(bytes, at: first.end(timeBytes: 4))
    else { return nil }
    let times = header.body
    let kinds = times + header.timeCount * 8
    let types = kinds + header.timeCount
    let end = header.end(timeBytes: 8)
    guard header.typeCount > 0, end <= bytes.count else { return nil }
    let offsets = (0..<header.typeCount).map {
      Int64(Int32(truncatingIfNeeded: TZifHeader.number(bytes, at: types + $0 * 6, 4)))
    }
    guard offsets.allSatisfy({ abs($0) <= Self.offsetMax }) else { return nil }
    var spans = [Span(start: .min, offset: offsets[0])]
    for index in 0..<header.timeCount {
      let kind = Int(bytes[kinds + index])
      let start = TZifHeader.number(bytes, at: times + index * 8, 8)
      guard kind < offsets.count, spans.count == 1 || start > spans[spans.count - 1].start else {
        return nil
      }
      spans.append(Span(start: start, offset: offsets[kind]))
    }
    self.spans = spans
    let footer = bytes[end...].dropFirst().prefix { $0 != UInt8(ascii: "\n") }
    rule = footer.isEmpty ? nil : PosixTimeZone(String(decoding: footer, as: UTF8.self))
    if !footer.isEmpty, rule == nil { return nil }
  }

  /// The offset that holds at a moment, and until when.
  package func span(at moment: Int64) -> (offset: Int64, until: Int64) {
    var low = 0
    var high = spans.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if spans[middle].start <= moment { low = middle } else { high = middle }
    }
    if low + 1 < spans.count { return (spans[low].offset, spans[low + 1].start) }
    guard let rule else { return (spans[low].offset, .max) }
    return rule.span(at: moment)
  }

  /// The first moment at which clocks there show the day's midnight, or are past it: it begins
  /// the day, also one whose midnight is skipped or shown twice.
  package func start(ofDay day: Int64) -> Int64 {
    let midnight = day * CivilDate.daySeconds
    var moment = midnight - 2 * CivilDate.daySeconds
    while true {
      let span = span(at: moment)
      let candidate = max(moment, midnight - span.offset)
      if candidate < span.until { return candidate }
      moment = span.until
    }
  }

  /// The day that a moment belongs to there, counted from 1970.
  package func day(at moment: Int64) -> Int64 {
    let local = moment + span(at: moment).offset
    let day = CivilDate.floor(local, by: CivilDate.daySeconds)
    if moment < start(ofDay: day) { return day - 1 }
    return moment >= start(ofDay: day + 1) ? day + 1 : day
  }

  /// The window of a period that a moment lies in, all in milliseconds.
  package func window(of period: BudgetPeriod, atMilliseconds now: Int64) -> BudgetWindow {
    if period == .total { return .always }
    let today = day(at: CivilDate.floor(now, by: 1_000))
    let (first, next) =
      switch period {
      case .month: CivilDate(day: today).monthBounds
      case .day, .total: (today, today + 1)
      }
    return BudgetWindow(start: start(ofDay: first) * 1_000, end: start(ofDay: next) * 1_000)
  }
}

/// The counts at the head of a block of a TZif file.
private struct TZifHeader {
  let version: UInt8
  let body: Int
  let timeCount: Int
  let typeCount: Int
  private let rest: (leaps: Int, characters: Int, standards: Int, universals: Int)
  private static let byteCount = 44
  private static let countMax: Int64 = 4_096

  init?(_ bytes: [UInt8], at start: Int) {
    guard start + Self.byteCount <= bytes.count,
      bytes[start..<start + 4].elementsEqual("TZif".utf8)
    else { return nil }
    version = bytes[start + 4]
    let counts = (0..<6).map { Self.number(bytes, at: start + 20 + $0 * 4, 4) & 0xFFFF_FFFF }
    guard counts.allSatisfy({ $0 <= Self.countMax }) else { return nil }
    body = start + Self.byteCount
    timeCount = Int(counts[3])
    typeCount = Int(counts[4])
    rest = (Int(counts[2]), Int(counts[5]), Int(counts[1]), Int(counts[0]))
  }

  func end(timeBytes: Int) -> Int {
    body + timeCount * (timeBytes + 1) + typeCount * 6 + rest.characters
      + rest.leaps * (timeBytes + 4) + rest.standards + rest.universals
  }

  /// Big-endian.
  static func number(_ bytes: [UInt8], at start: Int, _ count: Int) -> Int64 {
    bytes[start..<start + count].reduce(0) { $0 << 8 | Int64($1) }
  }
}
