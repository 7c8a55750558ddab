import { createHash } from "node:crypto";
import { expect } from "chai";
import { named, type RemotePromise } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";
import { authenticator, counter, echo, locked } from "../support/services.js";

type Language = "python" | "typescript";

interface Echo {
  echo(value: unknown): unknown;
  add(a: number, b: number, c?: number): number;
  divmod(a: number, b: number): { quotient: number; remainder: number };
  one(value: unknown): unknown;
  digest(data: Uint8Array): { size: number; sha256: string };
  blob(size: number): { size: number; data: Uint8Array };
  nope(): RemotePromise<never>;
}

/**
 * Every mixture of nameserver, services and client with the peer in test/interop/python, which knows nothing of this package.
 * Needs Debian's python3-zmq.
 */
describe("PyCOM's peers and ours", () => {
  const mesh = useMesh();
  const start = useProcesses();
  const python = (...args: string[]) => start("/usr/bin/python3", ["test/interop/python/run.py", ...args]);
  const startPython = async (...args: string[]): Promise<string> =>
    (await python(...args).waitFor(/^ready (\S+)\n/m))[1] ?? "";

  const startNameserver = async (language: Language): Promise<string> =>
    language === "python" ? startPython("nameserver", "tcp://127.0.0.1:0") : (await mesh.nameserver()).address;

  const startServices = async (language: Language, nameserver: string): Promise<void> => {
    if (language === "python") {
      await startPython("service", "tcp://127.0.0.1:0", nameserver);
      await startPython("authenticator", "tcp://127.0.0.1:0", nameserver);
    } else {
      await mesh.host([echo, counter, locked], { nameserver, service: "/demo/typescript" });
      await mesh.host([authenticator], { nameserver, service: "/demo/authenticator" });
    }
  };

  const checkInTypeScript = async (nameserver: string): Promise<void> => {
    const client = mesh.client({ nameserver });
    const remote = client.locate<Echo>("demo.echo");
    for (const value of [null, 1, "é☃", [1, { a: [true, null] }], 0.5]) {
      expect(await client.component("demo.echo").invoke("echo", value)).to.deep.equal(value);
    }
    expect(await remote.add(1, 2)).to.equal(3);
    expect(await remote.add(1, named({ b: 2, c: 4 }))).to.equal(7);
    expect(await remote.divmod(7, 2)).to.deep.equal({ quotient: 3, remainder: 1 });
    expect(await remote.one("x")).to.equal("x");
    const data = new Uint8Array(16_384).fill(5);
    const sha256 = createHash("sha256").update(data).digest("hex");
    expect(await remote.digest(data)).to.deep.equal({ size: data.length, sha256 });
    expect([...(await remote.blob(2)).data]).to.deep.equal([7, 7]);
    const component = client.component("demo.echo");
    expect((await component.invokeFull("mirror")).result).to.equal("absent");
    const empty = await component.invokeFull("mirror", null, { attachment: new Uint8Array(0) });
    expect([empty.result, empty.attachment?.byteLength]).to.deep.equal([0, 0]);
    expect(await component.invoke("ext", null, { extensions: { "my.own": [1] } })).to.deep.equal({ "my.own": [1] });
    expect(await failureOf(remote.nope())).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    const failed = await failureOf(component.invoke("fail", { code: 100500, text: "own" }));
    expect(failed).to.include({ code: "UNKNOWN", number: 100500, outcome: "executed", message: "own" });
    expect(await failureOf(component.invoke("add", [1, 2]))).to.include({ code: "BAD_REQUEST" });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => remote.add(index, 1)));
    expect(answers[199]).to.equal(200);
    await checkSessions(client);
    await checkAuthentication(client, nameserver);
    expect((await component.introspect()).methods.add?.required_arguments).to.deep.equal(["a", "b"]);
    const listed = await client.nameserver().list_services({ service: "/demo/authenticator$" });
    expect(listed.map((info) => info.interfaces)).to.deep.equal([["org.pycom.authenticator"]]);
    expect(await failureOf(client.component("no.such").invoke("x"))).to.include({ code: "SERVICE_NOT_FOUND" });
  };

  const checkSessions = async (client: ReturnType<typeof mesh.client>): Promise<void> => {
    const one = client.component("demo.counter");
    expect(await one.invoke("counter")).to.deep.equal({ count: 1 });
    expect(await one.invoke("counter")).to.deep.equal({ count: 2 });
    expect(await failureOf(one.invoke("boom"))).to.include({ number: 100500 });
    expect(await one.invoke("counter")).to.deep.equal({ count: 3 });
    const other = client.component("demo.counter");
    await other.resumeSession("0123456789abcdef0123456789abcdef");
    expect(await failureOf(other.invoke("counter"))).to.include({ code: "SESSION_EXPIRED", outcome: "not-executed" });
    expect(await other.invoke("counter")).to.deep.equal({ count: 1 });
  };

  const checkAuthentication = async (client: ReturnType<typeof mesh.client>, nameserver: string): Promise<void> => {
    expect(await failureOf(client.component("demo.locked").invoke("echo"))).to.include({ code: "ACCESS_DENIED" });
    const known = mesh.client({ nameserver });
    expect(await failureOf(known.authenticate("ann", { password: "wrong" }))).to.include({ code: "ACCESS_DENIED" });
    await known.authenticate("ann", { password: "secret" });
    expect(await known.component("demo.locked").invoke("whoami")).to.equal("ann");
  };

  const languages: readonly Language[] = ["python", "typescript"];
  for (const nameserver of languages) {
    for (const service of languages) {
      for (const client of languages) {
        if (nameserver === "python" && service === "python" && client === "python") continue;
        it(`work together: nameserver in ${nameserver}, services in ${service}, client in ${client}`, async () => {
          const address = await startNameserver(nameserver);
          await startServices(service, address);
          if (client === "typescript") {
            await checkInTypeScript(address);
            return;
          }
          const check = python("check", address);
          expect(await check.ended, check.out() + check.err()).to.equal(0);
        });
      }
    }
  }

  it("calls a PyCOM service without introspection", async () => {
    const nameserver = await startNameserver("typescript");
    await startServices("python", nameserver);
    expect(await mesh.client({ nameserver }).locate<Echo>("demo.mute").echo(5)).to.equal(5);
  });

  it("finds a PyCOM service again that was killed and started anew on another port", async () => {
    const nameserver = await startNameserver("typescript");
    const first = python("service", "tcp://127.0.0.1:0", nameserver);
    await first.waitFor(/^ready/m);
    const remote = mesh.client({ nameserver }).locate<Echo>("demo.echo");
    expect(await remote.echo(1)).to.equal(1);
    first.process.kill("SIGKILL");
    await first.ended;
    await startPython("service", "tcp://127.0.0.1:0", nameserver);
    expect(await remote.echo(2)).to.equal(2);
  });
});
