import CMachine
import Glibc

/// What the kernel offers this process.
package enum MachineFacts {
  /// A pair of limits: what counts now, and how far it may be raised.
  package struct Limit: Equatable, Sendable {
    package let soft: UInt64
    package let hard: UInt64
  }

  /// The kernel's release, `6.1.0-18-amd64`.
  package static var kernelRelease: String {
    (try? Files.readText("/proc/sys/kernel/osrelease"))?.trimmed ?? "unknown"
  }

  /// Landlock's version; nil where the kernel has none or has it switched off.
  package static var landlockVersion: Int? {
    let version = assay_landlock_abi()
    return version > 0 ? Int(version) : nil
  }

  /// Whether a process may filter its own system calls.
  package static var hasSeccomp: Bool { assay_has_seccomp() != 0 }

  /// Open descriptors this process may have.
  package static var descriptorLimit: Limit? {
    var raw = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raw) == 0 else {
      return nil
    }
    return Limit(soft: UInt64(raw.rlim_cur), hard: UInt64(raw.rlim_max))
  }

  /// Bytes that this user can still write below a path, and of how many.
  package static func space(at path: String) -> (free: UInt64, total: UInt64)? {
    var raw = statvfs()
    guard unsafe path.withPath({ unsafe statvfs($0, &raw) }) == 0 else { return nil }
    return (
      UInt64(raw.f_bavail) * UInt64(raw.f_frsize), UInt64(raw.f_blocks) * UInt64(raw.f_frsize)
    )
  }

  /// What the file system below a path is called, when it lies on another machine; nil for one of
  /// this machine, and for one that nobody knows.
  package static func networkFileSystem(at path: String) -> String? {
    // Magic numbers from statfs(2).
    switch unsafe path.withPath({ unsafe assay_file_system($0) }) {
    case 0x6969: "NFS"
    case 0x517B: "SMB"
    case 0xFF53_4D42: "CIFS"
    case 0xFE53_4D42: "SMB2"
    case 0x5346_414F: "AFS"
    case 0x00C3_6400: "Ceph"
    case 0x0102_1997: "9P"
    case 0x7375_7245: "Coda"
    case 0x0BD0_0BD0: "Lustre"
    case 0x4750_4653: "GPFS"
    default: nil
    }
  }

  package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Seconds since 1970 by the clock on the wall.
  package static var secondsSince1970: Int { time(nil) }
}

/// The variables this process was started with, or has set since.
package enum EnvironmentVariables {
  /// A name that comes twice keeps its first value, as getenv has it.
  package static var current: [String: String] {
    var found: [String: String] = [:]
    var next = unsafe assay_environ()
    while let entry = unsafe next.pointee {
      let text = unsafe String(cString: entry)
      if let equals = text.firstIndex(of: "="), equals != text.startIndex {
        let name = String(text[..<equals])
        if found[name] == nil { found[name] = String(text[text.index(after: equals)...]) }
      }
      unsafe next += 1
    }
    return found
  }
}

extension String {
  /// Without white space at either end.
  package var trimmed: String {
    let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !isSpace($0) }),
      let last = scalars.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(scalars[first...last])
  }
}
