import EventLoop
import HTTPServer
import TestSupport
import Testing

/// Python's own clients against the server: what a stock library sends passes.
@Suite(.timeLimit(.minutes(1))) struct PythonClientTests {
  @Test func `http client and urllib are served`() async throws {
    let script = """
      import http.client, urllib.request, urllib.error, sys, threading
      port = int(sys.argv[1])
      c = http.client.HTTPConnection('127.0.0.1', port)
      for i in range(50):
          c.request('POST', '/echo', body=b'x' * (i * 1000))
          r = c.getresponse()
          assert r.status == 200 and r.read() == b'x' * (i * 1000), i
      c.request('HEAD', '/say/a')
      r = c.getresponse()
      assert r.status == 200 and r.read() == b''
      c.request('POST', '/echo', body=iter([b'ab', b'cd']), encode_chunked=True,
                headers={'Transfer-Encoding': 'chunked'})
      assert c.getresponse().read() == b'abcd'
      base = 'http://127.0.0.1:%d' % port
      assert urllib.request.urlopen(base + '/say/caf%C3%A9').read() == '/say/café'.encode()
      try:
          urllib.request.urlopen(base + '/nowhere', data=b'y' * 5_000_000)
          assert False
      except urllib.error.HTTPError as e:
          assert e.code == 404 and e.read() == b'nothing here'
      assert b''.join(urllib.request.urlopen(base + '/stream')) == b'data: x\\n\\n' * 1000
      print('all good')
      """
    try await withDoor(route: { head in
      guard head.path == "/stream" else { return standardRoute(head) }
      return .handle(bodyBytesMax: 0) { _, _, responder in
        let writer = try await responder.stream(200, ["content-type": "text/event-stream"])
        for _ in 0..<1000 { try await writer.write(Array("data: x\n\n".utf8)) }
        writer.finish()
      }
    }) { door in
      guard case .tcp(_, let port) = door.address else { return }
      let output = try await ChildTool.run("/usr/bin/python3", ["-c", script, "\(port)"])
      #expect(output.lines == ["all good"], "\(output.lastWords)")
    }
  }
}
