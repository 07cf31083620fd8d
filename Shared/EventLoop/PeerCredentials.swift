import CUV
import Glibc

/// Who was at the other end of a Unix socket when it connected, as the kernel says.
package struct PeerCredentials: Hashable, Sendable {
  package let uid: UInt32
  package let gid: UInt32
  package let pid: Int32

  package init(uid: UInt32, gid: UInt32, pid: Int32) {
    self.uid = uid
    self.gid = gid
    self.pid = pid
  }

  /// This process.
  package static var own: PeerCredentials {
    PeerCredentials(uid: geteuid(), gid: getegid(), pid: getpid())
  }

  /// Of the peer of a Unix socket; nil when the kernel does not know.
  package init?(of descriptor: Int32) {
    var (uid, gid, pid): (UInt32, UInt32, Int32) = (0, 0, 0)
    guard unsafe assay_peer_credentials(descriptor, &uid, &gid, &pid) == 0 else { return nil }
    self.init(uid: uid, gid: gid, pid: pid)
  }
}
