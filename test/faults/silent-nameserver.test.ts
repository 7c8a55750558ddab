import { createServer, type Server } from "node:net";
import { expect } from "chai";
import { Registration } from "../../src/nameserver/registration.js";
import { NO_CREDENTIALS } from "../../src/security/credentials.js";
import { DeadlineWheel } from "../../src/util/deadline-wheel.js";
import { SILENT } from "../../src/util/log.js";
import { failureOf, useMesh } from "../support/mesh.js";

/** Something that takes connections where a nameserver should be, and is none. */
describe("A nameserver that says nothing", () => {
  const mesh = useMesh();

  const listen = async (server: Server): Promise<string> => {
    mesh.own(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    return `tcp://127.0.0.1:${port}`;
  };

  it("does not hold a call beyond its deadline", async () => {
    const address = await listen(createServer((socket) => socket.resume()));
    const client = mesh.client({ nameserver: address, connectTimeoutMs: 10_000 });
    const error = await failureOf(client.component("demo.echo").invoke("echo", 1, { timeoutMs: 100 }));
    expect(error).to.include({ code: "TIMEOUT", outcome: "not-sent" });
  });

  it("costs a host that tries to register no listener per attempt", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => {
      warnings.push(warning.name);
    };
    process.on("warning", note);
    let attempts = 0;
    let enough: () => void = () => undefined;
    const tried = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const server = createServer((socket) => {
      socket.destroy();
      if (++attempts === 20) enough();
    });
    const address = await listen(server);
    const record = {
      service: "/a",
      address: "tcp://127.0.0.1:1",
      interfaces: ["a.b"],
      endpoints: [],
      tags: [],
      data: {},
    };
    const wheel = new DeadlineWheel();
    const registration = new Registration(address, record, {
      leaseMs: 10_000,
      wheel,
      log: SILENT,
      credentials: NO_CREDENTIALS,
      random: () => 0,
    });
    mesh.own(registration);
    await registration.start();
    await tried;
    process.off("warning", note);
    expect(warnings).to.deep.equal([]);
  });
});
