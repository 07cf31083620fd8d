import GatewayBatches
import Testing

/// Every event in every stage, and the limits of waiting.
@Suite struct BatchMachineTests {
  typealias Machine = BatchMachine
  private static let pace = BatchPace(firstMilliseconds: 100, mostMilliseconds: 1_000)
  private static let start: Int64 = 1_000_000

  private static let events: [Machine.Event] = [
    .send, .accepted("p1"), .refused, .notTaken(after: 50), .lost, .found("p1"), .notFound,
    .unclear(after: 50), .stillRunning, .over(rest: .lost), .unknownThere,
    .unreachable(after: 50), .collected, .closed, .cancel, .cancelTold, .restarted,
  ]

  /// Where each event leads that may happen in a stage; every other is illegal and moves nothing.
  private static let ways: [Machine.Stage: [Machine.Event: (Machine.Move, Machine.Stage)]] = [
    .made: [
      .send: (.go, .sending), .cancel: (.go, .closing), .restarted: (.drop, .made),
    ],
    .sending: [
      .accepted("p1"): (.go, .running), .refused: (.go, .closing),
      .notTaken(after: 50): (.go, .resting), .lost: (.go, .seeking), .cancel: (.go, .sending),
      .restarted: (.go, .seeking),
    ],
    .resting: [
      .send: (.go, .sending), .cancel: (.go, .closing), .restarted: (.go, .resting),
    ],
    .seeking: [
      .found("p1"): (.go, .running), .notFound: (.go, .seeking),
      .unclear(after: 50): (.go, .seeking), .cancel: (.go, .seeking),
      .restarted: (.go, .seeking),
    ],
    .running: [
      .stillRunning: (.go, .running), .over(rest: .lost): (.go, .collecting),
      .unknownThere: (.go, .closing), .unreachable(after: 50): (.go, .running),
      .cancel: (.go, .running), .cancelTold: (.go, .running), .restarted: (.go, .running),
    ],
    .collecting: [
      .collected: (.go, .closing), .unknownThere: (.go, .closing),
      .unreachable(after: 50): (.go, .collecting), .cancel: (.go, .collecting),
      .restarted: (.go, .collecting),
    ],
    .closing: [
      .closed: (.go, .ended), .cancel: (.go, .closing), .restarted: (.go, .closing),
    ],
    .ended: [
      .closed: (.already, .ended), .cancel: (.already, .ended), .restarted: (.already, .ended),
    ],
  ]

  private static func machine(in stage: Machine.Stage) -> Machine {
    var machine = Machine(created: start)
    machine.stage = stage
    return machine
  }

  @Test(arguments: Machine.Stage.allCases)
  func `every event leads where it may, and nowhere else`(stage: Machine.Stage) throws {
    let ways = try #require(Self.ways[stage])
    for event in Self.events {
      var machine = Self.machine(in: stage)
      let before = machine
      let move = machine.take(event, at: Self.start, Self.pace)
      if let (wanted, next) = ways[event] {
        #expect(move == wanted && machine.stage == next, "\(stage) \(event): \(move)")
      } else {
        #expect(move == .illegal && machine == before, "\(stage) \(event): \(move)")
      }
    }
  }

  @Test func `each stage has its work`() {
    let works: [Machine.Stage: Machine.Work] = [
      .made: .nothing, .sending: .nothing, .resting: .send, .seeking: .seek, .running: .poll,
      .collecting: .collect, .closing: .close, .ended: .nothing,
    ]
    for stage in Machine.Stage.allCases {
      #expect(Self.machine(in: stage).work == works[stage], "\(stage)")
    }
  }

  @Test func `what may have arrived is looked for twice before it is sent again`() {
    var machine = Self.machine(in: .made)
    _ = machine.take(.send, at: Self.start, Self.pace)
    _ = machine.take(.lost, at: Self.start, Self.pace)
    #expect(machine.work == .seek && machine.nextAt == Self.start + 100)
    _ = machine.take(.notFound, at: Self.start, Self.pace)
    #expect(machine.work == .seek)
    // What may be it begins the count anew: it is never sent while it may be there.
    _ = machine.take(.unclear(after: 0), at: Self.start, Self.pace)
    _ = machine.take(.notFound, at: Self.start, Self.pace)
    #expect(machine.work == .seek)
    _ = machine.take(.notFound, at: Self.start, Self.pace)
    #expect(machine.work == .send && machine.sends == 1)
  }

  @Test func `a batch is not sent for ever`() {
    var machine = Self.machine(in: .made)
    for _ in 0..<BatchLimits.sendsMax - 1 {
      _ = machine.take(.send, at: Self.start, Self.pace)
      _ = machine.take(.notTaken(after: 0), at: Self.start, Self.pace)
      #expect(machine.stage == .resting)
    }
    _ = machine.take(.send, at: Self.start, Self.pace)
    _ = machine.take(.notTaken(after: 0), at: Self.start, Self.pace)
    #expect(machine.stage == .closing && machine.rest == .expired)
  }

  @Test func `polls get rarer, and never sooner than asked for`() {
    var machine = Self.machine(in: .sending)
    _ = machine.take(.accepted("p1"), at: 0, Self.pace)
    var pauses: [Int64] = []
    for _ in 0..<8 {
      _ = machine.take(.stillRunning, at: 0, Self.pace)
      pauses.append(machine.nextAt)
    }
    #expect(pauses == pauses.sorted() && pauses.first == 151 && pauses.last == 1_000)
    _ = machine.take(.unreachable(after: 7_000), at: 0, Self.pace)
    #expect(machine.nextAt == 7_000)
    // A provider that asks for a year is asked again after a day.
    _ = machine.take(.unreachable(after: .max), at: 0, Self.pace)
    #expect(machine.nextAt == BatchLimits.lifeMilliseconds)
  }

  @Test func `nobody is asked for ever: what cannot be had is lost`() {
    for stage in [Machine.Stage.seeking, .running, .collecting] {
      var machine = Self.machine(in: stage)
      let late = machine.expiresAt + BatchLimits.graceMilliseconds
      let event: Machine.Event = stage == .seeking ? .unclear(after: 0) : .unreachable(after: 0)
      _ = machine.take(event, at: late - 1, Self.pace)
      #expect(machine.stage == stage)
      _ = machine.take(event, at: late, Self.pace)
      #expect(machine.stage == .closing && machine.rest == .lost, "\(stage)")
    }
  }

  @Test func `a cancellation is told once, and frees what has not left`() {
    var running = Self.machine(in: .running)
    _ = running.take(.cancel, at: 5, Self.pace)
    #expect(running.work == .tellCancel && running.nextAt == 5)
    #expect(running.take(.cancel, at: 6, Self.pace) == .already)
    _ = running.take(.cancelTold, at: 7, Self.pace)
    #expect(running.work == .poll)
    var resting = Self.machine(in: .resting)
    _ = resting.take(.cancel, at: 5, Self.pace)
    #expect(resting.work == .close && resting.rest == .canceled)
    // On its way: whether it arrived has to be known first.
    var sending = Self.machine(in: .sending)
    _ = sending.take(.cancel, at: 5, Self.pace)
    #expect(sending.work == .nothing)
    _ = sending.take(.accepted("p1"), at: 6, Self.pace)
    #expect(sending.work == .tellCancel && sending.nextAt == 6)
    var seeking = Self.machine(in: .seeking)
    for event in [Machine.Event.cancel, .notFound, .notFound] {
      _ = seeking.take(event, at: 5, Self.pace)
    }
    #expect(seeking.work == .close && seeking.rest == .canceled)
  }

  @Test func `a clock at either end of time decides as any other does`() {
    for stage in Machine.Stage.allCases {
      for event in Self.events {
        var ordinary = Machine(created: 5)
        ordinary.stage = stage
        let step = ordinary.take(event, at: 5, Self.pace)
        for now in [Int64.min, .max] {
          var machine = Machine(created: now)
          machine.stage = stage
          #expect(machine.take(event, at: now, Self.pace) == step, "\(event) in \(stage)")
          // Where time itself ends, nothing is waited for any more.
          let isOver = now == .max && machine.stage == .closing
          #expect(machine.stage == ordinary.stage || isOver, "\(event) in \(stage) at \(now)")
          // As long after as at any other time, or at the end of time; never touched is 0.
          let (moment, isPast) = now.addingReportingOverflow(ordinary.nextAt - 5)
          let wanted = ordinary.nextAt == 0 ? 0 : isPast ? .max : moment
          #expect(machine.nextAt == wanted, "\(event) in \(stage) at \(now)")
        }
      }
    }
  }
}
