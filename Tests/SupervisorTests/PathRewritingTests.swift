import Supervisor
import Testing

@Suite struct PathRewritingTests {
  private let paths = PathRewriting([
    ("/run/assay/store", "/r/s"), ("/run/assay/store/inner", "/r/i"), ("/var/lib/", "/d"),
  ])

  @Test(arguments: [
    ("/run/assay/store", "/r/s"), ("unix-dir:/run/assay/store", "unix-dir:/r/s"),
    ("unix:/run/assay/store/a.sock", "unix:/r/s/a.sock"), ("/run/assay/store/", "/r/s/"),
    ("/run/assay/store/inner/x", "/r/i/x"), ("/run/assay/store2", "/run/assay/store2"),
    ("/run/assay/store-2", "/run/assay/store-2"), ("/x/run/assay/store", "/x/run/assay/store"),
    ("a=/run/assay/store,b=/var/lib/x", "a=/r/s,b=/d/x"), ("/var/lib", "/d"),
    ("'/run/assay/store'", "'/r/s'"), ("/run/assay", "/run/assay"), ("", ""),
    ("é/run/assay/store", "é/run/assay/store"), ("/run/assay/store:/var/lib", "/r/s:/d"),
    ("//run/assay/store", "//run/assay/store"), ("--db /var/lib/db?x=1", "--db /d/db?x=1"),
  ])
  func `a path below a mount becomes the one it stands for`(_ text: String, _ expected: String) {
    #expect(paths.apply(text) == expected)
  }

  @Test func `a mount on the root is no rule`() {
    #expect(PathRewriting([("/", "/r")]).apply("/a") == "/a")
  }

  @Test func `a replacement is not rewritten again`() {
    let paths = PathRewriting([("/a", "/b"), ("/b", "/a")])
    #expect(paths.apply("/a:/b") == "/b:/a")
  }
}
