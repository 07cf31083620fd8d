import EventLoop
import Telemetry

/// The sockets, and the one simulation behind them.
actor SimulatorServer: LoopActor {
  nonisolated let loop: EventLoop
  private let logger: Logger
  private let bill: BillFile
  private let simulation: Simulation
  private var listeners: [Listener] = []

  init(options: SimulationOptions, bill: BillFile, loop: EventLoop, logger: Logger) {
    self.loop = loop
    self.logger = logger
    self.bill = bill
    simulation = Simulation(options: options, bill: bill, loop: loop)
  }

  func open(_ addresses: [ListenAddress]) throws {
    simulation.onBilled = { @Sendable [weak self] number in
      guard let self else { return }
      Task(executorPreference: self.loop) { await self.billed(upTo: number) }
    }
    simulation.readBill = { @Sendable [weak self] ticket in
      guard let self else { return }
      Task(executorPreference: self.loop) { await self.sendBill(to: ticket) }
    }
    for address in addresses {
      let listener: Listener
      switch address {
      case .unix(let path): listener = try .unix(path: path, mode: 0o660, on: loop)
      case .tcp(let host, let port): listener = try .tcp(host: host, port: port, on: loop)
      }
      let simulation = simulation
      try listener.start(onAccept: { stream in simulation.accept(stream) })
      listeners.append(listener)
      logger.info("speaking HTTP", [.address: .string(listener.address.description)])
    }
  }

  private func billed(upTo number: Int) { simulation.billed(upTo: number) }

  private func sendBill(to ticket: Int) async {
    let bytes = try? await bill.readMerged()
    simulation.billWasRead(bytes ?? [], for: ticket)
  }

  func close() {
    for listener in listeners { listener.close() }
    listeners = []
    simulation.close()
  }
}
