import EventLoop
import Faults
import Glibc
import MeshAddressing
import RPC
import ServiceHost
import Synchronization
import Testing
import TestingContract

@Suite(.timeLimit(.minutes(1))) struct AdmissionInterceptorTests {
  @Test func `calls past the limit are refused at once and say when to ask again`() async throws {
    let loop = try EventLoop(name: "admission")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    var options = ServerOptions(callers: CallerTable(ownUID: getuid()))
    options.interceptors = [AdmissionInterceptor(callsMax: 2, exempt: [])]
    let method = EchoMethods.chat
    let server = Server(
      loop: loop,
      services: [
        ServiceDefinition(
          ServiceDescriptor(name: method.service, methods: [method], descriptorSet: { [] }),
          handlers: [
            .bidirectional(method) {
              (requests: RequestStream<EchoRequest>, responses: ResponseWriter<EchoResponse>, _) in
              try await responses.send(EchoResponse())
              while try await requests.next() != nil {}
            }
          ])
      ], options: options)
    var channelOptions = ChannelOptions()
    channelOptions.connector = .inProcess(to: server)
    let client = EchoClient(Channel(to: .unix(path: "/x"), on: loop, options: channelOptions))
    let running = [client.chat(), client.chat()]
    for call in running { _ = try await call.responses.next() }
    let refused = client.chat()
    let fault = await #expect(throws: Fault.self) { _ = try await refused.responses.next() }
    #expect(fault?.code == .resourceExhausted)
    #expect(fault?.facts["limit"] == "calls_running")
    #expect(fault?.retryAfter != nil)
    for call in running {
      call.finishSending()
      while try await call.responses.next() != nil {}
    }
    let later = client.chat()
    #expect(try await later.responses.next() != nil)
    later.cancel()
  }
}
