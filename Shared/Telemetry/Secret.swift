import Glibc

/// Bytes that nobody may see: keys, passwords, tokens.
///
/// However it is printed it says `‹redacted›`, and its memory is overwritten when the last copy
/// goes. Whatever it was made from is the maker's to forget. `LogValue` does not take it.
package struct Secret: Sendable {
  // The storage is written once, in its initializer, and only read after that; so sharing it is
  // safe though it holds a pointer.
  @safe
  private final class Storage: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    let count: Int

    init<E: Error>(
      capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
      let room = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
      do {
        count = try max(0, min(unsafe fill(room), capacity))
      } catch {
        unsafe Self.wipe(room)
        throw error
      }
      unsafe bytes = room
    }

    deinit { unsafe Self.wipe(bytes) }

    /// The compiler may drop a plain overwrite of memory that is freed next; this one it may not.
    private static func wipe(_ room: UnsafeMutableRawBufferPointer) {
      if let start = room.baseAddress { unsafe explicit_bzero(start, room.count) }
      unsafe room.deallocate()
    }
  }

  private let storage: Storage

  package init(_ bytes: RawSpan) {
    storage = unsafe bytes.withUnsafeBytes { source in
      unsafe Storage(capacity: source.count) { room in
        unsafe room.copyMemory(from: source)
        return source.count
      }
    }
  }

  package init(_ text: String) {
    self.init(unsafe text.utf8Span.span.bytes)
  }

  /// Lets `fill` write straight into the secret's memory, so that no copy is left elsewhere; it
  /// returns how many bytes count.
  @unsafe
  package init<E: Error>(
    capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
  ) throws(E) {
    storage = try unsafe Storage(capacity: max(0, capacity), fill)
  }

  package var count: Int { storage.count }
  package var isEmpty: Bool { storage.count == 0 }

  /// Lends the bytes for one use; a copy of them is no longer a secret's.
  package func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    try body(unsafe UnsafeRawBufferPointer(rebasing: storage.bytes[..<storage.count]).bytes)
  }

  /// Whether both are the same, in a time that depends only on their lengths.
  package func matches(_ other: RawSpan) -> Bool {
    guard other.byteCount == count else { return false }
    return withBytes { own in
      var difference: UInt8 = 0
      for offset in 0..<own.byteCount {
        difference |=
          unsafe own.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
          ^ other.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      }
      return difference == 0
    }
  }

  /// What is shown in place of any secret.
  package static let redacted = "‹redacted›"
}

extension Secret: Equatable {
  package static func == (left: Secret, right: Secret) -> Bool {
    right.withBytes { left.matches($0) }
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable,
  CustomLeafReflectable, Encodable
{
  package var description: String { Self.redacted }
  package var debugDescription: String { Self.redacted }
  package var customMirror: Mirror { Mirror(self, children: []) }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Self.redacted)
  }
}
