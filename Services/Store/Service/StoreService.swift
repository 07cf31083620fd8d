// Store: keeps facts: it commits and it answers, and is the only holder of results. One writer
// takes orders in groups and answers when they are on disk; readers beside it; leases decide who
// may write about a run; followers of a run hear what is on disk and nothing else.
// It never calls another service, decides nothing about a run and scores nothing.
// Limits: `StoreLimits`, `ReaderLimits`, `SessionLimits`, `FeedLimits`.

import Configuration
import Faults
import Lifecycle
package import ServiceHost
import Telemetry

/// What the store service is made of.
package enum StoreService {
  package static let blueprint = ServiceBlueprint(
    name: "store", purpose: "keep results: commit, and answer.", settings: StoreSettings.all
  ) { environment in
    let values = environment.configuration.current
    let logger = environment.logger
    let loop = environment.loop
    let file = try StoreFile(
      path: values[StoreSettings.path], takesNetwork: values[StoreSettings.takesNetwork])
    let lock = try await file.lock(on: loop)
    let store = try await OpenStore(
      file.opening, on: loop, leaseTTL: values[StoreSettings.leaseTTL],
      backupPath: values[StoreSettings.backupPath], metrics: environment.metrics)
    logger.info("database open", [.path: .string(file.path)])
    if let why = store.journalAbsence {
      logger.warning(
        "no journal can be kept: each commit waits for a sync of its own",
        [.path: .string(file.path), .error: .string(why)])
    }
    let watch = DiskWatch(path: file.path, loop: loop, logger: logger, metrics: store.metrics)
    return ServiceParts(
      [store.definition],
      beneath: [
        LifecycleMember("database") {
          await ShutdownSignal.current?.wait()
          await store.close()
          logger.info("database closed", [.path: .string(file.path)])
          withExtendedLifetime(lock) {}
        }
      ],
      beside: [
        LifecycleMember("disk") { try await untilStopped { try await watch.run() } },
        LifecycleMember("writer") {
          do {
            try await untilStopped { try await store.whileWhole() }
          } catch {
            logger.error(
              "the disk failed under the database: ending, so that a new process reads it again",
              [.path: .string(file.path), .error: .string(Fault(describing: error).cause ?? "")])
            throw error
          }
        },
        LifecycleMember("streams") {
          await ShutdownSignal.current?.wait()
          store.endStreams()
        },
      ])
  }

  /// Runs `work` until the lifecycle says stop; throws what it throws before that.
  private static func untilStopped(_ work: @escaping @Sendable () async throws -> Void) async throws
  {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await work() }
      group.addTask { await ShutdownSignal.current?.wait() }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
