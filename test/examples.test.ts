import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import type { Tasks } from "../examples/11-workflow/order.js";
import { subscriber, workflow } from "../src/index.js";
import { useMesh } from "./support/mesh.js";
import { useProcesses } from "./support/processes.js";
import { locked } from "./support/services.js";
import { until } from "./support/until.js";

/** Each example as its reader runs it; they import the built package by its own name. */
describe("The examples", () => {
  const mesh = useMesh();
  const start = useProcesses();
  const run = (nameserver: string, file: string, args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
    start(process.execPath, ["--import", "tsx", file, ...args], {
      env: { LAMPLIGHTER_NAMESERVER: nameserver, ...env },
    });

  it("see errors by their names in the built package, and a public API that can be required", async () => {
    const script = `const { rpcError, RpcError, RemoteError, Client } = require("lamplighter");
      console.log([RpcError.name, RemoteError.name, Client.name, new RemoteError("x", { number: 1 }).name].join());`;
    const built = start(process.execPath, ["--input-type=commonjs", "--eval", script]);
    expect(await built.ended, built.err()).to.equal(0);
    expect(built.out()).to.equal("RpcError,RemoteError,Client,RemoteError\n");
  });

  it("01-hello: the client prints what the service answers, and ends", async () => {
    const { address } = await mesh.nameserver();
    await run(address, "examples/01-hello/query.ts").waitFor(/^ready/m);
    const client = run(address, "examples/01-hello/client.ts");
    expect(await client.ended, client.err()).to.equal(0);
    expect(client.out()).to.equal("{ field1: 42 }\n3\n");
  });

  it("02-seed: the seed's lines run, and the process ends although nothing is closed", async () => {
    const { address } = await mesh.nameserver();
    await run(address, "examples/01-hello/query.ts", ["-s", "/com/foo/example/1"]).waitFor(/^ready/m);
    const seed = run(address, "examples/02-seed/seed.ts");
    expect(await seed.ended, seed.err()).to.equal(0);
    const lines = seed.out().trim().split("\n");
    expect(lines.slice(0, 2)).to.have.members(["/org/pycom/nameserver", "/com/foo/example/1"]);
    expect(lines.slice(2)).to.deep.equal(["{ field1: 42 }", "create add introspect"]);
  });

  it("03-authentication: users log in by password, others do not", async () => {
    const { address } = await mesh.nameserver();
    const folder = mkdtempSync(join(tmpdir(), "lamplighter-users-"));
    try {
      const example = "examples/03-authentication/static-authenticator.ts";
      const hashed = run(address, example, ["hash", "secret"]);
      expect(await hashed.ended, hashed.err()).to.equal(0);
      const users = join(folder, "users.json");
      writeFileSync(users, JSON.stringify({ ann: JSON.parse(hashed.out()) as unknown }));
      const authenticator = run(address, example, ["-v"], { USERS_FILE: users });
      await authenticator.waitFor(/^ready/m);
      await mesh.host([locked], { nameserver: address });
      const client = mesh.client({ nameserver: address });
      for (const [user, password] of [
        ["ann", "wrong"],
        ["bob", "secret"],
        ["__proto__", "secret"],
      ] as const) {
        const refused = await client.authenticate(user, { password }).catch((error: unknown) => error);
        expect(refused).to.include({ code: "ACCESS_DENIED" });
      }
      await client.authenticate("ann", { password: "secret" });
      expect(await client.locate<{ whoami(): string }>("demo.locked").whoami()).to.equal("ann");
      expect(authenticator.out() + authenticator.err()).to.not.contain("secret");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("09-publish-subscribe: numbers come, also from a publisher that is killed and started again", async () => {
    const { address } = await mesh.nameserver();
    const publish = () =>
      run(address, "examples/09-publish-subscribe/publisher.ts", ["-s", "/numbers"], { PAUSE_MS: "5" });
    const first = publish();
    await first.waitFor(/^ready/m);
    const client = run(address, "examples/09-publish-subscribe/subscriber.ts");
    await client.waitFor(/^\[(\s+0\.\d+(e-\d+)?,?){10}\s+\]\n(0\.\d+(e-\d+)?\n){3}/);
    first.process.kill("SIGKILL");
    await first.ended;
    await publish().waitFor(/^ready/m);
    await client.waitFor(/missed perhaps some: gone\n[^]*?(0\.\d+(e-\d+)?\n){3}/);
  });

  it("09-publish-subscribe: a method of a service publishes beside its methods", async () => {
    const { address } = await mesh.nameserver();
    await run(address, "examples/09-publish-subscribe/dice.ts").waitFor(/^ready/m);
    const client = mesh.client({ nameserver: address });
    await client.locate<{ setSides(sides: number): void }>("demo.dice").setSides(1);
    const rolls = mesh.own(subscriber<number>("demo.dice.rolls", { client }));
    expect(await rolls.take(2)).to.deep.equal([1, 1]);
  });

  it("04-streams: a file goes through the service, and comes back packed", async () => {
    const { address } = await mesh.nameserver();
    await run(address, "examples/04-streams/packer.ts").waitFor(/^ready/m);
    const folder = mkdtempSync(join(tmpdir(), "lamplighter-packed-"));
    try {
      const [from, to] = [join(folder, "from"), join(folder, "to")];
      const bytes = randomBytes(5_000_000);
      writeFileSync(from, bytes);
      const client = run(address, "examples/04-streams/pack.ts", [from, to]);
      expect(await client.ended, client.err()).to.equal(0);
      expect(client.out()).to.equal(`packed ${from}\n`);
      expect(gunzipSync(readFileSync(to)).equals(bytes)).to.equal(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("05-between-peers: the client prints what its README says, and ends", async () => {
    const { address } = await mesh.nameserver();
    const press = run(address, "examples/05-between-peers/press.ts");
    await press.waitFor(/^ready/m);
    const author = run(address, "examples/05-between-peers/author.ts");
    expect(await author.ended, author.err()).to.equal(0);
    expect(author.out()).to.equal(shownIn("examples/05-between-peers/README.md"));
    expect(press.err()).not.to.match(/^(?:warning|error)/m);
  });

  it("06-pseud: client and server call each other, and both end", async () => {
    const shop = start(process.execPath, ["--import", "tsx", "examples/06-pseud/shop.ts", "tcp://127.0.0.1:0"]);
    const [, address = ""] = await shop.waitFor(/^ready (.*)$/m);
    const customer = start(process.execPath, ["--import", "tsx", "examples/06-pseud/customer.ts", address]);
    expect(await customer.ended, customer.err()).to.equal(0);
    expect(customer.out()).to.equal(shownIn("examples/06-pseud/README.md"));
    await shop.waitFor(/^gone alice$/m);
    shop.process.kill("SIGTERM");
    expect(await shop.ended, shop.err()).to.equal(0);
  });

  it("07-amp: client and server call each other, errors come as what they are, and both end", async () => {
    const server = start(process.execPath, ["--import", "tsx", "examples/07-amp/server.ts", "tcp://127.0.0.1:0"]);
    const [, address = ""] = await server.waitFor(/^ready (.*)$/m);
    const client = start(process.execPath, ["--import", "tsx", "examples/07-amp/client.ts", address]);
    expect(await client.ended, client.err()).to.equal(0);
    expect(client.out()).to.equal(shownIn("examples/07-amp/README.md"));
    server.process.kill("SIGTERM");
    expect(await server.ended, server.err()).to.equal(0);
  });

  it("10-http: the client prints what its README says, and both end", async () => {
    const house = start(process.execPath, ["--import", "tsx", "examples/10-http/tea-house.ts", "127.0.0.1:0"]);
    const [, url = ""] = await house.waitFor(/^ready (.*)$/m);
    const guest = start(process.execPath, ["--import", "tsx", "examples/10-http/guest.ts", url]);
    expect(await guest.ended, guest.err()).to.equal(0);
    expect(guest.out()).to.equal(shownIn("examples/10-http/README.md"));
    house.process.kill("SIGTERM");
    expect(await house.ended, house.err()).to.equal(0);
  });

  it("08-nodeset: pub/sub, collection and publishing print what their README says, and all end", async () => {
    const folder = "examples/08-nodeset";
    const dispatcher = start(process.execPath, ["--import", "tsx", `${folder}/dispatcher.ts`, "tcp://127.0.0.1:0"]);
    const [, address = ""] = await dispatcher.waitFor(/^ready (.*)$/m);
    for (const file of ["simple-pubsub.ts", "collection.ts", "publishing.ts"]) {
      const example = start(process.execPath, ["--import", "tsx", `${folder}/${file}`, address]);
      expect(await example.ended, example.err()).to.equal(0);
      // Events come on their own way, before or after what the publisher says.
      const inOrder = (text: string): string[] => text.split("\n").sort();
      expect(inOrder(example.out()), file).to.deep.equal(inOrder(shownIn(`${folder}/README.md`, `\`${file}\``)));
    }
    dispatcher.process.kill("SIGTERM");
    expect(await dispatcher.ended, dispatcher.err()).to.equal(0);
  });

  describe("11-workflow", () => {
    const example = "examples/11-workflow";
    const ready = /^ready (\S+)$/m;
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "lamplighter-runs-"));
    });
    after(() => {
      rmSync(folder, { recursive: true });
    });
    const command = (nameserver: string, ...args: string[]) =>
      start(process.execPath, ["build/cli/main.js", "workflow", ...args], {
        env: { LAMPLIGHTER_NAMESERVER: nameserver },
      });
    const serve = (nameserver: string, file: string, service: string) =>
      command(nameserver, "serve", `${example}/${file}`, "-s", service, "--journal", join(folder, file));

    it("the configuration runs as it stands, for clients of both wires", async () => {
      const { address } = await mesh.nameserver();
      expect(JSON.parse(readFileSync(`${example}/tasks.json`, "utf8"))).to.deep.equal({
        tasks: { task1: [1, 2, 3].map((number) => ({ interface: `demo.interface.${number}` })) },
      });
      const services = ["one.ts", "two.ts", "three.ts"].map((file) => run(address, `${example}/${file}`));
      const host = serve(address, "tasks.json", "/demo/workflow/1");
      for (const service of services) await service.waitFor(ready);
      const [, at = ""] = await host.waitFor(ready);
      const client = run(address, `${example}/client.ts`);
      expect(await client.ended, client.err()).to.equal(0);
      expect(client.out()).to.equal(shownIn(`${example}/README.md`));
      const pycom = mesh.client().connect<Tasks>(at, "lamplighter.workflow", { wire: "pycom" });
      expect(await pycom.task1({ tea: "sencha", cups: 3 })).to.equal("3 × sencha: 900 cents");
      host.process.kill("SIGTERM");
      expect(await host.ended, host.err()).to.equal(0);
    });

    it("a run asks a person, and is undone when the answer is no", async () => {
      const { address } = await mesh.nameserver();
      const host = serve(address, "party.yaml", "/demo/workflow/2");
      await run(address, `${example}/shop.ts`).waitFor(ready);
      await host.waitFor(ready);
      const client = mesh.client({ nameserver: address });
      const parties = mesh.own(workflow("/demo/workflow/2", { client }));
      const input = { teas: ["mate", "gyokuro"], to: "Ada" };
      const asked = async (id: string) => {
        await parties.start({ task: "party", input, id });
        await until(async () => (await parties.info({ run: id })).questions.length > 0);
        expect((await parties.info({ run: id })).questions[0]?.text).to.equal("Teas for 1150 cents to Ada?");
      };
      await asked("ada");
      expect(await command(address, "resume", "/demo/workflow/2", "ada", "yes").ended).to.equal(0);
      const told = command(address, "wait", "/demo/workflow/2", "ada");
      expect(await told.ended, told.err()).to.equal(0);
      expect(told.out()).to.equal(shownIn(`${example}/README.md`, "The last one"));
      await asked("bob");
      await parties.resume({ run: "bob", answer: "no" });
      const refused = await parties.wait({ run: "bob" }).catch((error: unknown) => error as Error);
      expect(refused).to.include({ number: 402 });
      expect(await client.locate<{ reserved(): string[] }>("demo.shop").reserved()).to.deep.equal([]);
      host.process.kill("SIGTERM");
      expect(await host.ended, host.err()).to.equal(0);
    });
  });

  it("are what the README shows", () => {
    const readme = readFileSync("README.md", "utf8");
    for (const file of ["query.ts", "client.ts"]) {
      const code = readFileSync(`examples/01-hello/${file}`, "utf8");
      expect(code.split("\n").length, file).to.be.at.most(15);
      expect(readme).to.contain(code);
    }
  });
});

/** What a page says that the client prints, or another program. */
function shownIn(page: string, program = "The client"): string {
  const [, before = "", shown = ""] =
    new RegExp(`^(${program} prints)\\n\\n((?: {4}.*\\n)+)`, "m").exec(readFileSync(page, "utf8")) ?? [];
  return before && shown.replaceAll(/^ {4}/gm, "");
}
