import Faults
import Glibc
import Locking
import StoreBackend

@testable import StoreService

/// A real writer whose disk can be made to fail, or to take its time.
final class FailingWriter: StoreUpkeep {
  /// Held from outside.
  final class Switch: Sendable {
    /// What every group from now on fails with.
    let fault = Lock<Fault?>(nil)
    let groups = Lock<[Int]>([])
    private let gate: Lock<(reading: Int32, writing: Int32)?>

    /// With a gate, each group waits until it is let through.
    init(hasGate: Bool = false) {
      var ends: [Int32] = [-1, -1]
      let isOpen = hasGate ? unsafe pipe(&ends) == 0 : false
      gate = Lock(isOpen ? (ends[0], ends[1]) : nil)
    }

    deinit {
      gate.withLock { gate in
        if let (reading, writing) = gate {
          close(reading)
          close(writing)
        }
      }
    }

    func letThrough(_ count: Int) {
      guard let writing = gate.withLock({ $0?.writing }) else { return }
      _ = unsafe Glibc.write(writing, [UInt8](repeating: 0, count: count), count)
    }

    func pass() {
      guard let reading = gate.withLock({ $0?.reading }) else { return }
      var byte: UInt8 = 0
      _ = unsafe Glibc.read(reading, &byte, 1)
    }
  }

  private let inner: any StoreUpkeep
  private let control: Switch
  private var broken: Fault?

  init(_ inner: any StoreUpkeep, _ control: Switch) {
    self.inner = inner
    self.control = control
  }

  func write(
    _ orders: [WriteOrder], atMicroseconds now: Int64
  ) -> [Result<WriteReceipt, Fault>] {
    control.groups.withLock { $0.append(orders.count) }
    control.pass()
    if let fault = control.fault.withLock({ $0 }) {
      if fault.reason == "STORE_IO" { broken = fault }
      return orders.map { _ in .failure(fault) }
    }
    return inner.write(orders, atMicroseconds: now)
  }
  func leases() throws(Fault) -> [StoredLease] { try inner.leases() }
  func runsWantingOwner() throws(Fault) -> [RunName] { try inner.runsWantingOwner() }
  func tidy() { if broken == nil { inner.tidy() } }
  func rest() { if broken == nil { inner.rest() } }
  var fault: Fault? { broken ?? inner.fault }
  var logBytes: Int { inner.logBytes }
  var journalAbsence: String? { inner.journalAbsence }
  func beginCopy(to path: String) throws(Fault) -> any StoreCopying {
    try inner.beginCopy(to: path)
  }
}
