import FuzzTargets
import Glibc

// libFuzzer's entry; it brings the main. ASSAY_FUZZ_TARGET names what is fuzzed.

private let target: FuzzTarget = {
  let name = unsafe getenv("ASSAY_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    say("ASSAY_FUZZ_TARGET is '\(name)'; it can be \(FuzzTarget.allCases.map(\.rawValue))")
    exit(2)
  }
  return target
}()

/// Runs one input; a finding ends the process, which is how libFuzzer learns of it.
@c(LLVMFuzzerTestOneInput)
func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  if let finding = unsafe finding(in: UnsafeRawBufferPointer(start: start, count: count)) {
    say("finding: \(finding)")
    abort()
  }
  return 0
}

private func finding(in input: UnsafeRawBufferPointer) -> FuzzFinding? {
  do throws(FuzzFinding) {
    try target.run(unsafe input.bytes)
    return nil
  } catch {
    return error
  }
}

private func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = unsafe write(2, bytes, bytes.count)
}
