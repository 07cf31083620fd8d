/// One thing to run on the loop. No reference is counted here: the task owns its job and, until
/// it ends, its executor; closures wait in a queue of their own, in the same order.
@safe enum ReadyWork: Sendable {
  /// A job of an actor whose executor is the loop.
  case isolated(UnownedJob)
  /// A job of a task that prefers the loop, or one of its labelled executors.
  case preferring(UnownedJob, UnownedTaskExecutor, label: Int)
  /// The next closure of the closure queue.
  case closure
}

/// Work handed over by other threads.
struct Inbox: Sendable {
  var work: [ReadyWork] = []
  var closures: [@Sendable () -> Void] = []
  /// False once the loop has ended: nothing is taken any more.
  var isOpen = true

  /// Larger arrays are given back, so that one burst is not kept for ever.
  static var keptMax: Int { 4096 }
}

/// Names of what runs on a loop, by number, so that a job carries an integer only.
struct LabelTable {
  private var names: [String]
  private var numbers: [String: Int]

  init(first: String) {
    names = [first]
    numbers = [first: 0]
  }

  subscript(number: Int) -> String { names[number] }

  mutating func number(of name: String, max: Int) -> Int {
    if let known = numbers[name] { return known }
    guard names.count < max else { return 0 }
    names.append(name)
    numbers[name] = names.count - 1
    return names.count - 1
  }
}
