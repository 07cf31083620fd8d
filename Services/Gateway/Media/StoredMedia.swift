package import Blobs
package import EventLoop

/// Documents of the store's that are about to be sent, by their places in the call.
package struct StoredMedia: Sendable {
  let readers: [Int: any BlobReading]
  let loop: EventLoop

  package init(readers: [Int: any BlobReading], loop: EventLoop) {
    self.readers = readers
    self.loop = loop
  }
}
