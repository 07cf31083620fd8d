import EventLoop
import Failpoints
import Glibc
import Machine

/// One service of the mesh under proof: started again as soon as it ends, until told to rest.
actor ProofProcess: LoopActor {
  nonisolated let loop: EventLoop
  nonisolated let name: String
  private let executable: String
  private let environment: [String: String]
  private let logPath: String
  private var child: ChildProcess?
  private var isResting = false
  private var rested: [CheckedContinuation<Void, Never>] = []
  /// Ends that nobody asked for: neither killed by the proof nor at rest.
  private(set) var unexpectedEnds: [String] = []
  private(set) var kills = 0
  private var killedPid: Int32 = 0
  /// For the next start alone.
  private var failpoint: String?
  private var armedPid: Int32 = 0
  /// Whether a failpoint ended it.
  private(set) var hasReachedFailpoint = false

  init(
    _ name: String, _ executable: String, _ environment: [String: String], logPath: String,
    loop: EventLoop
  ) {
    self.name = name
    self.executable = executable
    self.environment = environment
    self.logPath = logPath
    self.loop = loop
  }

  var isRunning: Bool { child != nil }

  /// The process that is started next ends at that place, and no other.
  func arm(_ order: Failpoint.Order) { failpoint = order.text }

  func start() throws {
    guard child == nil, !isResting else { return }
    let log = try OpenFile(logPath, for: .append)
    var environment = environment
    let isArmed = failpoint != nil
    environment[Failpoint.variable] = failpoint.take()
    var launch = ChildLaunch(executable, environment: environment)
    launch.output = .descriptor(log.descriptor)
    launch.errorOutput = .descriptor(log.descriptor)
    launch.leadsSession = true
    child = try ChildProcess(launch, on: loop) { [weak self] exit in
      guard let self else { return }
      self.assumeIsolated { $0.ended(exit) }
    }
    if isArmed { armedPid = child?.pid ?? 0 }
  }

  private func ended(_ exit: ChildProcess.Exit) {
    let pid = child?.pid ?? 0
    child = nil
    if pid == armedPid, exit.signal == SIGKILL { hasReachedFailpoint = true }
    if isResting {
      for waiter in rested { waiter.resume() }
      rested = []
      return
    }
    if pid == armedPid, exit.signal == SIGKILL {
      hasReachedFailpoint = true
    } else if pid != killedPid {
      unexpectedEnds.append("\(name) ended with status \(exit.status), signal \(exit.signal)")
    }
    // One that ends by itself all the time would be started for ever; the proof fails anyway.
    guard unexpectedEnds.count < 100 else { return }
    do { try start() } catch { unexpectedEnds.append("\(name) cannot be started: \(error)") }
  }

  /// kill -9; false when it does not run right now.
  func kill() -> Bool {
    guard let child, child.kill(SIGKILL) else { return false }
    killedPid = child.pid
    kills += 1
    return true
  }

  /// Asks it to end; it is started again, as by a rolling restart.
  func restart() {
    guard let child else { return }
    killedPid = child.pid
    child.kill(SIGTERM)
  }

  /// Ends it and leaves it so: asked to, then made to.
  func rest() async {
    isResting = true
    guard let child else { return }
    child.kill(SIGTERM)
    let timer = loop.schedule(after: .seconds(6)) { child.kill(SIGKILL) }
    await withCheckedContinuation { rested.append($0) }
    timer.cancel()
  }
}
