import { expect } from "chai";
import { requireStreamTls, type StreamTls } from "../../src/transport/stream/index.js";
import { acceptingServer, clientContext } from "../../src/transport/stream/tls-settings.js";
import { certified, pem } from "../support/streams.js";

describe("requireStreamTls()", () => {
  const refused: [unknown, RegExp][] = [
    [null, /^The option tls has to be an object with cert, key, ca, verify, serverName$/],
    [true, /has to be an object/],
    [[], /has to be an object/],
    [
      { CA: pem("ca.pem") },
      /^There is no option tls\.CA, did you mean "ca"\? \(options are cert, key, ca, verify, serverName\)$/,
    ],
    [{ constructor: 1 }, /^There is no option tls\.constructor/],
    [{ cert: 1, key: pem("server.key") }, /^The option tls\.cert has to be PEM, as a text or octets$/],
    [{ cert: pem("server.pem"), key: {} }, /^The option tls\.key has to be PEM/],
    [{ ca: [pem("ca.pem"), 1] }, /^The option tls\.ca has to be PEM, as a text or octets, or an array of them$/],
    [{ ca: null }, /^The option tls\.ca has to be/],
    [{ verify: "no" }, /^The option tls\.verify has to be a boolean$/],
    [{ serverName: 1 }, /^The option tls\.serverName has to be the name or IP address of a host$/],
    [{ serverName: "" }, /^The option tls\.serverName has to be/],
    [{ serverName: "a\0b" }, /^The option tls\.serverName has to be/],
    [{ cert: pem("server.pem") }, /tls\.cert and tls\.key belong together/],
    [{ key: pem("server.key") }, /tls\.cert and tls\.key belong together/],
    [{ cert: "", key: "" }, /cannot be used/],
    [{ cert: "none", key: "none" }, /cannot be used/],
    [{ cert: pem("server.pem"), key: pem("client.key") }, /cannot be used: .*key values mismatch/],
    [{ ca: "" }, /cannot be used/],
    [{ ca: [pem("ca.pem"), "none"] }, /cannot be used/],
  ];

  it("refuses what would fail in the middle of a handshake, at both ends", () => {
    for (const [tls, text] of refused) {
      for (const isAccepted of [false, true]) {
        expect(() => {
          requireStreamTls(tls as StreamTls, isAccepted);
        })
          .to.throw(text)
          .with.property("code", "CONFIGURATION");
      }
    }
  });

  it("takes what can be used", () => {
    const rows: StreamTls[] = [
      {},
      { cert: undefined, key: undefined, ca: undefined, verify: undefined, serverName: undefined },
      { ...certified("server"), ca: [pem("ca.pem"), Buffer.from(pem("other-ca.pem"))], verify: true },
      { ca: new TextEncoder().encode(pem("ca.pem")), serverName: "localhost" },
      { serverName: "::1", verify: false },
    ];
    for (const tls of rows) for (const isAccepted of [false, true]) requireStreamTls(tls, isAccepted);
  });

  it("reads PEM once for each object, and makes one thing for all that hold none", () => {
    const tls = certified("server");
    requireStreamTls(tls, true);
    expect(acceptingServer(tls))
      .to.equal(acceptingServer(tls))
      .and.not.equal(acceptingServer({ ...tls }));
    expect(acceptingServer({})).to.equal(acceptingServer({ verify: false, serverName: "x" }));
    expect(acceptingServer({ verify: true }))
      .to.equal(acceptingServer({ verify: true }))
      .and.not.equal(acceptingServer({}));
    expect(clientContext({})).to.equal(clientContext({ verify: true, serverName: "x" }));
  });
});
