package import Faults
package import RunEngine

/// Every workload of this mesh; a sixth is a folder and a line here.
package enum WorkloadTable {
  package static let all: [any Workload] = [EchoWorkload()]

  /// The workload of that name.
  package static func workload(_ name: String) throws(Fault) -> any Workload {
    for workload in all where workload.name == name { return workload }
    let known = all.map(\.name).joined(separator: ", ")
    throw Fault(
      .invalidArgument, reason: "UNKNOWN_WORKLOAD", "There is no workload '\(name)'.",
      hint: "This mesh has: \(known).",
      violations: [.init(field: "spec.workload", description: "one of \(known)")])
  }
}
