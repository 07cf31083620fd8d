// Fuzz: libFuzzer's executable, which scripts/fuzz builds; the sanitizer brings the main. It hands
// every input to the target that ASSAY_FUZZ_TARGET names and knows nothing of what is read there.

import FuzzTargets
import Glibc

/// libFuzzer calls this for every input; a finding ends the process, which is how it learns of it.
@c(LLVMFuzzerTestOneInput)
func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe UnsafeRawBufferPointer(start: start, count: count)
  if let finding = unsafe OneInput.finding(in: input) {
    OneInput.say("finding: \(finding)")
    abort()
  }
  return 0
}

private enum OneInput {
  static let target: FuzzTarget = {
    let name = unsafe getenv("ASSAY_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      say("ASSAY_FUZZ_TARGET is '\(name)'; it can be \(FuzzTarget.allCases.map(\.rawValue))")
      exit(2)
    }
    return target
  }()

  static func finding(in input: UnsafeRawBufferPointer) -> FuzzFinding? {
    do throws(FuzzFinding) {
      try target.run(unsafe input.bytes)
      return nil
    } catch {
      return error
    }
  }

  static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe write(2, bytes, bytes.count)
  }
}
