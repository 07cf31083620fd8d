import CMicroHTTPD

/// What the library's access handler is to do next.
enum AccessOutcome {
  case goOn
  case close
}

extension Connection {
  /// The head is there: routes it, before any of the body is read.
  func headArrived(_ raw: RawHead) -> AccessOutcome {
    guard !isAbandoned, let handle = unsafe handle, let target = takeTarget() else {
      return .close
    }
    let reader = unsafe HeadReader(
      method: raw.method, headByteCount: assay_mhd_head_size(handle), targetCount: target.count,
      limits: core.limits)
    let count = unsafe Int(MHD_get_connection_values(handle, .HEADER_KIND, nil, nil))
    let head: HTTPRequestHead
    switch reader.head(target: target, libraryCount: count, peer: peer) {
    case .failure(let refusal): return refuse(refusal, nil)
    case .success(let read): head = read
    }
    guard core.hasRoomForRequest else { return refuse(.overloaded, head) }
    return follow(core.route(head), head)
  }

  private func follow(_ route: HTTPRoute, _ head: HTTPRequestHead) -> AccessOutcome {
    switch route {
    case .refuse(let response):
      return refuse(response, head)
    case .handle(let bodyBytesMax, let handler):
      guard (head.contentLength ?? 0) <= bodyBytesMax else { return refuse(.bodyTooLarge, head) }
      let exchange = begin(head, bodyBytesMax)
      exchange.sink = .collected([], handler)
      if let length = head.contentLength, length > 0 {
        switch exchange.holdWhole(length) {
        case .now: break
        case .later: suspend()
        case .never: return refuse(.overloaded, head)
        }
      }
    case .receive(let bodyBytesMax, let handler):
      guard (head.contentLength ?? 0) <= bodyBytesMax else { return refuse(.bodyTooLarge, head) }
      let exchange = begin(head, bodyBytesMax)
      let queue = ChunkQueue(bytesMax: core.limits.bodyQueueBytesMax, on: core.loop)
      queue.onRoom = { [weak self] in self?.bodyHasRoom() }
      queue.onHeld = { [core] count in core.holdBody(changingBy: count) }
      exchange.sink = .queued(queue)
      exchange.start { responder in
        try await handler(head, HTTPBodyChunks(queue: queue), responder)
      }
    }
    enter(head.hasBody ? .body : .handler)
    return .goOn
  }

  private func begin(_ head: HTTPRequestHead, _ bodyBytesMax: Int) -> Exchange {
    let exchange = Exchange(head, bodyBytesMax: bodyBytesMax, on: self)
    self.exchange = exchange
    return exchange
  }

  // MARK: Refusing on the head

  private func refuse(_ refusal: HTTPRefusal, _ head: HTTPRequestHead?) -> AccessOutcome {
    core.report(.refused(refusal), peer)
    return refuse(core.errorBody(refusal, head), head)
  }

  /// Without a body the connection lives on. With one, or with a head that we do not understand,
  /// nothing behind it is believed: the answer goes out, and the rest is read and dropped.
  private func refuse(_ response: HTTPResponse, _ head: HTTPRequestHead?) -> AccessOutcome {
    guard let head, !head.hasBody else {
      lingers = true
      let exchange = exchange ?? head.map { begin($0, 0) }
      exchange?.dropBody()
      _ = exchange?.answer(response)
      exchange?.isQueued = true
      enter(.answer)
      return queue(response, exchange) ? .goOn : .close
    }
    _ = begin(head, 0).answer(response)
    enter(.handler)
    return .goOn
  }

  // MARK: The body

  /// Bytes of the body; answers how many were taken, or nil to close.
  func bodyArrived(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard !isAbandoned, let exchange else { return nil }
    if case .queued(let queue) = exchange.sink, !queue.hasRoom {
      suspend()
      return 0
    }
    guard !exchange.isOverloaded, mayHold(bytes.count, exchange) else {
      refuseAbruptly(.overloaded)
      return nil
    }
    guard unsafe exchange.receive(bytes) else {
      if case .queued(let queue) = exchange.sink { queue.end(.bodyTooLarge) }
      refuseAbruptly(.bodyTooLarge)
      return nil
    }
    return bytes.count
  }

  /// A collected body of unknown length is counted as it comes.
  private func mayHold(_ count: Int, _ exchange: Exchange) -> Bool {
    guard exchange.head.isChunked, case .collected = exchange.sink else { return true }
    return exchange.hold(count)
  }

  func bodyHasRoom() {
    guard isSuspended, case .body = phase else { return }
    // The pause was ours: the client's clock begins anew.
    bodyCountAtBegin = exchange?.receivedCount ?? 0
    enter(.body)
    wake()
  }

  /// The request is whole; called again after each resume until there is an answer.
  func requestArrived() -> AccessOutcome {
    guard !isAbandoned, let exchange else { return .close }
    // A head that was put to sleep is told once more, before its body.
    if exchange.isOverloaded, !exchange.hasAnswer { return refuse(.overloaded, exchange.head) }
    if exchange.lacksBody { return .goOn }
    if case .body = phase { enter(.handler) }
    switch exchange.sink {
    case .collected(let body, let handler):
      exchange.sink = .dropped
      exchange.handOver()
      exchange.start { [head = exchange.head] responder in
        try await handler(head, body, responder)
      }
    case .queued(let queue): queue.end()
    case .dropped: break
    }
    guard !exchange.isQueued else { return .goOn }
    switch exchange.answer {
    case .none:
      suspend()
      return .goOn
    case .whole(let response):
      exchange.isQueued = true
      enter(.answer)
      return queue(response, exchange) ? .goOn : .close
    case .stream(let stream, let status, let headers):
      exchange.isQueued = true
      enter(.answer)
      return queue(stream, status, headers) ? .goOn : .close
    }
  }
}

/// The library's own pointers, for the length of a callback.
@safe struct RawHead {
  let method: UnsafePointer<CChar>
}
