import JSONText

/// Walks the parts of OpenAI's messages for what is no text.
struct PartWalk {
  private var pictures: Int64 = 0
  private var documents: Int64 = 0
  /// Bytes of data URLs that never become text.
  private var mediaBytes = 0

  private static let addressBytesMax = 8_192

  mutating func parts(_ content: JSONText.Element, _ field: String) throws(RequestProblem) {
    for part in content.elements {
      guard let type = part["type"] else { continue }
      if type.utf8Equals("image_url") {
        pictures += 1
        data(part["image_url"]?["url"])
      } else if type.utf8Equals("input_image") {
        pictures += 1
        data(part["image_url"])
      } else if type.utf8Equals("file") {
        documents += 1
        data(part["file"]?["file_data"])
      } else if type.utf8Equals("input_file") {
        documents += 1
        data(part["file_data"])
      } else if type.utf8Equals("input_audio") {
        throw RequestProblem(.unpriced, "\(field)[].type")
      }
    }
  }

  /// What is longer than any address holds the bytes themselves; a shorter one is counted as text,
  /// which a bound can bear.
  private mutating func data(_ element: JSONText.Element?) {
    guard let element, element.range.count > Self.addressBytesMax else { return }
    mediaBytes += element.range.count
  }

  func tell(_ facts: inout CallFacts, bodyBytes: Int) {
    facts.pictures = pictures
    facts.documents = documents
    facts.textBytes = Int64(bodyBytes - mediaBytes)
  }
}

/// What OpenAI bills by another law than tokens at the model's price.
enum OpenAIPricing {
  static func refuseUnpriced(_ root: JSONText.Element) throws(RequestProblem) {
    // Flex is cheaper, so that the bound holds; priority is dearer.
    if let tier = root["service_tier"], tier.utf8Equals("priority") {
      throw RequestProblem(.unpriced, "service_tier")
    }
    if let kinds = root["modalities"], kinds.elements.contains(where: { !$0.utf8Equals("text") }) {
      throw RequestProblem(.unpriced, "modalities")
    }
  }
}
