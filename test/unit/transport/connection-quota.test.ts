import { expect } from "chai";
import { RpcError } from "../../../src/errors.js";
import { ConnectionQuota, type CountedConnection } from "../../../src/transport/index.js";

/** A connection that closes itself when it is told to, as a socket does. */
function connect(quota: ConnectionQuota, address: string, closed: string[] = [], name = address): CountedConnection {
  const counted = quota.open(address, () => {
    closed.push(name);
    if (!RpcError.isRpcError(counted)) counted.closed();
  });
  if (RpcError.isRpcError(counted)) throw counted;
  return counted;
}

const refusal = (quota: ConnectionQuota, address: string) => {
  const counted = quota.open(address, () => undefined);
  return RpcError.isRpcError(counted) ? counted.message : "taken";
};

describe("The count of connections", () => {
  it("refuses one too many over the network, and takes it when another has gone", () => {
    const quota = new ConnectionQuota({ connections: 2 });
    const first = connect(quota, "192.0.2.1");
    connect(quota, "192.0.2.2");
    expect(refusal(quota, "192.0.2.3")).to.match(/^2 connections are open already \(option limits\.connections\)$/);
    first.closed();
    expect(refusal(quota, "192.0.2.3")).to.equal("taken");
  });

  it("counts unix sockets apart, so that neither side keeps the other out", () => {
    const quota = new ConnectionQuota({ connections: 2, connectionsPerAddress: 1 });
    for (const address of ["192.0.2.1", "192.0.2.2", "", ""]) connect(quota, address);
    expect(refusal(quota, "192.0.2.3")).to.match(/limits\.connections/);
    expect(refusal(quota, "")).to.match(/limits\.connections/);
  });

  it("counts what has one owner together", () => {
    for (const [one, same, other] of [
      ["192.0.2.1", "192.0.2.1", "192.0.2.2"],
      ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"],
      ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"],
      ["2001:db8::1", "2001:db8:0:0:1::", "2001:db8:0:1::1"],
      ["fe80::1%eth0", "fe80::2%eth0", "fe81::1%eth0"],
      ["::1", "::1", "1::1"],
    ] as const) {
      const quota = new ConnectionQuota({ connectionsPerAddress: 1 });
      connect(quota, one);
      expect(refusal(quota, same), same).to.match(/^1 connections of .* \(option limits\.connectionsPerAddress\)$/);
      expect(refusal(quota, other), other).to.equal("taken");
    }
  });

  it("closes the oldest of those who finish no handshake, where there are most", () => {
    const quota = new ConnectionQuota({ handshakes: 3 });
    const closed: string[] = [];
    connect(quota, "192.0.2.1", closed, "honest");
    connect(quota, "192.0.2.9", closed, "first");
    connect(quota, "192.0.2.9", closed, "second");
    connect(quota, "192.0.2.9", closed, "third").shaken();
    expect(closed).to.deep.equal(["first"]);
    connect(quota, "192.0.2.9", closed, "fourth");
    connect(quota, "192.0.2.1", closed, "honest too");
    expect(closed).to.deep.equal(["first", "second"]);
  });

  it("does not miscount one that closes the last of its own address", () => {
    const quota = new ConnectionQuota({ handshakes: 1, connectionsPerAddress: 1 });
    connect(quota, "192.0.2.1").shaken();
    expect(refusal(quota, "192.0.2.1")).to.match(/connectionsPerAddress/);
    const other = new ConnectionQuota({ handshakes: 1, connectionsPerAddress: 2 });
    connect(other, "192.0.2.1");
    connect(other, "192.0.2.1").shaken();
    connect(other, "192.0.2.1");
    expect(refusal(other, "192.0.2.1")).to.match(/connectionsPerAddress/);
  });

  it("knows whether it was asked for, and refuses limits that are none", () => {
    expect([new ConnectionQuota().isAskedFor, new ConnectionQuota({ handshakes: 5 }).isAskedFor]).to.deep.equal([
      false,
      true,
    ]);
    for (const limit of [0, -1, NaN, "5"]) {
      expect(() => new ConnectionQuota({ connections: limit as number })).to.throw(/number from 1 on/);
    }
  });
});
