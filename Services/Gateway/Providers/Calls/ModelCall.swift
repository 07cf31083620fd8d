package import JSON

/// A call in our own words, before it is put into a provider's.
package struct ModelCall: Equatable, Sendable {
  package enum Role: Sendable {
    case system
    case user
    case assistant
  }

  package enum Content: Equatable, Sendable {
    case text(String)
    /// A picture or a document; its bytes are fetched, and encoded, while they are sent.
    case media(Media)
    /// What a tool that the model called has answered.
    case toolAnswer(callID: String, text: String)
    case toolCall(ToolCall)
  }

  package struct Media: Equatable, Sendable {
    /// `application/pdf`, `image/png` …
    package var type: String
    package var title: String
    /// Where the bytes are: a place in the caller's own list.
    package var place: Int
    /// Of the bytes, before they are encoded.
    package var byteCount: Int
    package var pages: Int64?

    package init(
      type: String, title: String = "", place: Int, byteCount: Int, pages: Int64? = nil
    ) {
      self.type = type
      self.title = title
      self.place = place
      self.byteCount = byteCount
      self.pages = pages
    }

    package var isPicture: Bool { type.hasPrefix("image/") }
  }

  package struct ToolCall: Equatable, Sendable {
    package var id: String
    package var name: String
    /// A JSON object.
    package var arguments: JSONValue

    package init(id: String, name: String, arguments: JSONValue) {
      self.id = id
      self.name = name
      self.arguments = arguments
    }
  }

  package struct Block: Equatable, Sendable {
    package var role: Role
    package var content: Content
    package var isCacheBreakpoint: Bool
    /// Whether a cache entry is worth an hour, where a provider lets one choose.
    package var isKeptLong = false

    package init(_ role: Role, _ content: Content, isCacheBreakpoint: Bool = false) {
      self.role = role
      self.content = content
      self.isCacheBreakpoint = isCacheBreakpoint
    }
  }

  package struct Tool: Equatable, Sendable {
    package var name: String
    package var description: String
    package var schema: JSONValue

    package init(name: String, description: String, schema: JSONValue) {
      self.name = name
      self.description = description
      self.schema = schema
    }
  }

  package enum ToolChoice: Equatable, Sendable {
    case auto
    case any
    case none
    case named(String)
  }

  package enum Output: Equatable, Sendable {
    case text
    case object
    case schema(name: String, JSONValue)
  }

  package var blocks: [Block]
  package var outputTokensMax: Int64?
  package var temperature: Double?
  package var output = Output.text
  package var tools: [Tool] = []
  package var toolChoice: ToolChoice?
  package var stopSequences: [String] = []
  /// Members that go to the provider as they are.
  package var extra = JSONObject()

  package init(blocks: [Block], outputTokensMax: Int64? = nil) {
    self.blocks = blocks
    self.outputTokensMax = outputTokensMax
  }
}

/// How a provider wants to be told of a schema.
package enum SchemaWay: String, CaseIterable, Sendable {
  /// In the member that its dialect has for it.
  case native
  /// As the arguments of a tool that must be called, where nothing else is offered.
  case tool
}

/// A body that is sent piece by piece: media are encoded on their way, and never lie in memory
/// beside their own text.
package struct RequestBody: Equatable, Sendable {
  package enum Piece: Equatable, Sendable {
    case bytes([UInt8])
    /// The base64 of the media with this place in the caller's list.
    case base64(place: Int, byteCount: Int)

    package var byteCount: Int {
      switch self {
      case .bytes(let bytes): bytes.count
      case .base64(_, let count): (count + 2) / 3 * 4
      }
    }
  }

  package var pieces: [Piece]

  package init(pieces: [Piece]) { self.pieces = pieces }

  package var byteCount: Int { pieces.reduce(0) { $0 + $1.byteCount } }
}
