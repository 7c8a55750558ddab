import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect } from "chai";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";

const GREETING_BYTES = 64;

describe("A service that is killed", () => {
  const mesh = useMesh();

  it("is removed at once, also if its connections end before its address does", async () => {
    const nameserver = await mesh.nameserver();
    const sockets = new Set<Socket>();
    let isDying = false;
    let target = 0;
    const proxy = createServer((socket) => {
      sockets.add(socket.on("error", () => undefined));
      if (isDying) {
        // The address is still there, and whoever comes is turned away; then it is gone.
        socket.resetAndDestroy();
        proxy.close();
        return;
      }
      const onward = connect(target, "127.0.0.1").on("error", () => undefined);
      sockets.add(onward);
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    mesh.own({
      close: () => {
        for (const socket of sockets) socket.destroy();
        proxy.close();
      },
    });
    const { port } = proxy.address() as AddressInfo;
    const host = await mesh.host([echo]);
    target = Number(new URL(host.address).port);
    const registered = {
      address: `tcp://127.0.0.1:${port}`,
      interfaces: ["demo.echo"],
      service: "/killed",
      incarnation: host.incarnation,
      // Far longer than this test may take.
      lease_ms: 600_000,
      endpoints: [{ address: `tcp://127.0.0.1:${port}`, wires: ["lamp", "pycom"] }],
    };
    const client = mesh.client({ nameserver: nameserver.address });
    await client.nameserverComponent().invoke("register", registered);
    // Both have greeted and said that they are ready: the nameserver watches.
    await until(() => sockets.size === 2 && [...sockets].every((socket) => socket.bytesRead > GREETING_BYTES));
    isDying = true;
    for (const socket of sockets) socket.end();
    await until(() => nameserver.records.length === 1);
    expect(nameserver.records[0]?.service).to.equal("/org/pycom/nameserver");
  });
});
