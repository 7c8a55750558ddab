import { expect } from "chai";
import { publicAddress } from "../../../src/service/public-address.js";
import { parseAnyAddress } from "../../../src/transport/index.js";
import { SILENT } from "../../../src/util/log.js";

describe("What others connect to", () => {
  const told = (real: string, advertised?: string): string => publicAddress(real, advertised, SILENT);

  it("is what was bound, or what is said instead", () => {
    expect(told("tcp://127.0.0.1:5")).to.equal("tcp://127.0.0.1:5");
    expect(told("tcp://0.0.0.0:5")).to.match(/^tcp:\/\/(?!0\.0).*:5$/);
    expect(told("tcp://0.0.0.0:5", "a.b:0")).to.equal("tcp://a.b:5");
    expect(told("tcp://0.0.0.0:5", "a.b:6")).to.equal("tcp://a.b:6");
    expect(told("ipc:///x", "a.b:0")).to.equal("tcp://a.b:0");
    expect(told("ipc:///x")).to.equal("ipc:///x");
  });

  it("keeps a scheme that only a protocol knows", () => {
    expect(told("tls://127.0.0.1:5")).to.equal("tls://127.0.0.1:5");
    expect(told("tls://[::]:5")).to.match(/^tls:\/\/(?!\[::\]).*:5$/);
    expect(told("tls://0.0.0.0:5", "a.b:0")).to.equal("tls://a.b:5");
    expect(told("tls://0.0.0.0:5", "tls://a.b:0")).to.equal("tls://a.b:5");
  });

  it("is of no scheme that nobody knows", () => {
    expect(() => told("tcp://127.0.0.1:5", "http://a.b:1")).to.throw(/http:\/\/ is not known/);
  });
});

describe("An address of whatever scheme", () => {
  it("has a host and a port, where it has no path", () => {
    expect(parseAnyAddress("TLS://localhost:1")).to.deep.include({ scheme: "tls", text: "tls://localhost:1" });
    expect(parseAnyAddress("localhost:1")).to.deep.include({ scheme: "tcp", text: "tcp://localhost:1" });
    expect(parseAnyAddress("ipc:///a/b")).to.deep.include({ scheme: "ipc", text: "ipc:///a/b" });
    expect(parseAnyAddress("tls://[::1]:1").location).to.deep.include({ scheme: "tcp", host: "::1", port: 1 });
  });

  it("is refused where it has neither", () => {
    for (const wrong of ["tls://", "tls://localhost", "x://a b:1", "memory://", "tls://h:99999"]) {
      expect(() => parseAnyAddress(wrong), wrong).to.throw(/is no address/);
    }
  });
});
