import Digest
package import Faults
import Protobuf
package import ScoreContract
package import StoreContract

/// A commit that makes sense in itself, the digest that tells it from another and the bytes it is
/// kept as: made where the call arrives, so that the one writer makes none of them.
package struct CommitOrder: Sendable, Equatable {
  package let id: String
  package let runID: String
  package let leaseName: String
  package let leaseToken: UInt64
  package let facts: [Fact]
  /// Of each fact.
  package let packed: [PackedFact]
  /// Run and facts as a packed request of nothing else.
  package let body: [UInt8]
  /// SHA-256 of the body. The lease is not in it: what was committed under one may be asked for
  /// again under the next.
  package let digest: [UInt8]

  /// INVALID_ARGUMENT when it makes no sense; LEASE_REQUIRED when it names no lease.
  package init(_ request: CommitRequest) throws(Fault) {
    var check = RequestCheck()
    check.name(request.commitId, "commit_id")
    check.name(request.runId, "run_id")
    check.optionalName(request.leaseName, "lease_name")
    check.expect(
      (1...StoreLimits.factsPerCommitMax).contains(request.facts.count), "facts",
      "are not between 1 and \(StoreLimits.factsPerCommitMax)")
    var unitCount = 0
    for (index, fact) in request.facts.enumerated() {
      check.path = "facts[\(index)]."
      check.fact(fact, in: request.runId)
      if case .planned(let planned) = fact.kind { unitCount += planned.units.count }
    }
    check.path = ""
    check.expect(
      unitCount <= StoreLimits.unitsPerCommitMax, "facts",
      "plan more than \(StoreLimits.unitsPerCommitMax) units")
    try check.finish()
    for case .unit(let change) in request.facts.lazy.compactMap(\.kind)
    where change.state == .succeeded && change.verdict?.value == nil {
      throw Fault(
        .invalidArgument, reason: "VALUE_ABSENT",
        "Unit '\(change.unitId)' cannot have succeeded without a value.",
        hint: "Say why there is none: FAILED or UNDETERMINED.", facts: ["unit": change.unitId])
    }
    guard !request.leaseName.isEmpty else { throw .leaseRequired(run: request.runId) }
    id = request.commitId
    runID = request.runId
    leaseName = request.leaseName
    leaseToken = request.leaseToken
    facts = request.facts
    packed = request.facts.map(PackedFact.init)
    body = CommitRequest(runId: request.runId, facts: request.facts).packed()
    var sum = SHA256()
    sum.update(body)
    digest = sum.finish()
  }
}

extension WriteOrder {
  /// The order for a request that makes sense.
  package static func commit(
    _ product: ProductScope, _ request: CommitRequest
  ) throws(Fault) -> WriteOrder {
    .commit(product, try CommitOrder(request))
  }
}
