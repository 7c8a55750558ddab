import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Server } from "../../src/compat/pseud/index.js";
import { defineInterface, expose } from "../../src/index.js";
import { useCommand } from "../support/command.js";
import { CHUNK, makeFiles } from "../support/files.js";
import { useMesh } from "../support/mesh.js";
import { authenticator, counter, echo, locked } from "../support/services.js";

class Account {
  balance(): number {
    return 7;
  }
}
expose(Account.prototype, ["balance"]);

const bank = defineInterface("demo.bank", {
  methods: {
    open: () => ({ account: new Account(), notify: () => undefined }),
    each: async function* () {
      yield 1;
      yield new Account();
    },
    plain: () => ({ account: "7" }),
  },
});

describe("lamplighter call", () => {
  const mesh = useMesh();
  const command = useCommand();
  const call = (...words: string[]) => command.run(["call", ...words]);

  it("calls pseud's servers by name, with arguments in order and by name", async () => {
    const pseud = new Server({ id: "service" });
    pseud.register((...args: unknown[]) => args, { name: "draw.me.a.sheep" });
    const address = await pseud.bind("tcp://127.0.0.1:0");
    try {
      const sheep = ["--wire", "pseud", "-c", address, "draw.me.a.sheep"];
      expect(await call(...sheep)).to.include({ status: 0, out: "[]\n" });
      expect(await call(...sheep, "1", '"two"', "--named", '{"three":3}')).to.include({
        status: 0,
        out: '[1,"two",{"three":3}]\n',
      });
      expect(await call("--wire", "pseud", "-c", address, "no.such")).to.include({ status: 1, out: "" });
      expect(await call("--wire", "pseud", "-c", address)).to.include({ status: 2 });
      expect(await call(...sheep, "--named", "3")).to.include({ status: 2 });
    } finally {
      await pseud.stop();
    }
  });

  it("writes no file for an answer without attachment, which is no empty one", async () => {
    const { address } = await mesh.host([echo]);
    const saved = join(command.folder(), "absent.bin");
    const result = await call("-c", address, "demo.echo", "echo", "1", "--save", saved);
    expect(result).to.include({ status: 0, out: "1\n" });
    expect(result.err).to.match(/attachment: none/);
    expect(existsSync(saved)).to.equal(false);
  });

  it("does not call when the attachment could not be saved", async () => {
    const host = await mesh.host([counter]);
    const words = ["-c", host.address, "demo.counter", "counter"];
    const refused = await call(...words, "--save", join(command.folder(), "missing", "file"));
    expect(refused).to.include({ status: 2, out: "" });
    expect(refused.err).to.match(/--save \S+ cannot be written/);
  });

  it("prints the result of a method that ran, even when its attachment cannot be saved then", async () => {
    const { address } = await mesh.host([echo]);
    const sent = command.file("sent.bin", "12345");
    const result = await call("-c", address, "demo.echo", "mirror", "--attach", sent, "--save", command.folder());
    expect(result).to.include({ status: 2, out: "5\n" });
    expect(result.err).to.match(/attachment cannot be written/);
  });

  it("saves attachments that are streamed, and says that there is one", async () => {
    const { address } = await mesh.host([makeFiles().files]);
    const words = ["-c", address, "--wire", "lamp", "demo.files", "both"];
    const saved = join(command.folder(), "streamed.bin");
    expect(await call(...words, "--save", saved)).to.include({ status: 0, out: `{"size":${3 * CHUNK}}\n`, err: "" });
    expect(statSync(saved).size).to.equal(3 * CHUNK);
    expect((await call(...words)).err).to.match(/attachment: a stream \(--save FILE/);
    const sent = command.file("sent.bin", "12345");
    const swallow = ["-c", address, "--wire", "lamp", "demo.files", "swallow"];
    expect(await call(...swallow, "--attach", sent)).to.include({ status: 0, out: "5\n" });
  });

  it("sends files as streams where the method takes them so, of any size", async () => {
    const { address } = await mesh.host([makeFiles().files]);
    // It never ends: who reads all of it first never calls.
    const take = ["-c", address, "--wire", "lamp", "demo.files", "take"];
    expect(await call(...take, '{"chunks":3}', "--attach", "/dev/zero")).to.include({
      status: 0,
      out: `${3 * CHUNK}\n`,
    });
    expect(await call(...take, "--named", '{"chunks":2}', "--attach", "/dev/zero")).to.include({ status: 0 });
    const large = command.file("large.bin", "x".repeat(3_000_000));
    const named = await call("-c", address, "--wire", "lamp", "demo.files", "swallow", "--attach", large);
    expect(named).to.include({ status: 0, out: `${3_000_000 + 5 * CHUNK}\n` });
    const whole = ["-c", address, "demo.files", "whole", "--attach", large];
    for (const wire of ["lamp", "pycom"]) {
      expect(await call(...whole, "--wire", wire)).to.include({ status: 0, out: "3000000\n" });
    }
    const unknown = await call("-c", address, "demo.files", "nope", "--attach", large);
    expect(unknown).to.include({ status: 1 });
    const missing = await call(...whole, "--attach", join(command.folder(), "missing"));
    expect(missing.err).to.match(/--attach \S+ cannot be read/);
    expect(missing.status).to.equal(2);
  });

  it("saves a streamed attachment as a whole, or leaves the file as it was", async () => {
    const { address } = await mesh.host([makeFiles().files]);
    const words = ["-c", address, "--wire", "lamp", "demo.files", "broken"];
    const saved = command.file("precious.bin", "what was there");
    const before = readdirSync(command.folder());
    const broken = await call(...words, "--save", saved);
    expect(broken.status).to.equal(1);
    expect(broken.err).to.match(/no further/);
    expect(readFileSync(saved, "utf8")).to.equal("what was there");
    expect((await call(...words, "--save", join(command.folder(), "new.bin"))).status).to.equal(1);
    expect(readdirSync(command.folder())).to.deep.equal(before);
  });

  it("saves what is declared as the attachment, and no other stream", async () => {
    const several = defineInterface("demo.several", {
      methods: {
        read: {
          results: ["lines", "file"],
          attachments: { outgoing: "file", stream: true },
          run: () => ({ lines: ReadableStream.from(["a"]), file: new Uint8Array(20_000_000) }),
        },
        raw: () => ({ lines: ReadableStream.from(["a"]) }),
      },
    });
    const { address } = await mesh.host([several]);
    const saved = join(command.folder(), "declared.bin");
    const words = ["-c", address, "--wire", "lamp", "demo.several"];
    expect(await call(...words, "read", "--save", saved)).to.include({ status: 0 });
    expect(statSync(saved).size).to.equal(20_000_000);
    expect((await call(...words, "raw", "--save", saved)).err).to.match(/attachment: none/);
  });

  it("ends with 2 for flags that do not go together, and sends nothing", async () => {
    const { address } = await mesh.host([echo]);
    const cases: [string[], RegExp][] = [
      [["--credentials", "{}"], /--credentials wants the --user/],
      [["--user", "ann", "--credentials", "{"], /--credentials is no JSON/],
      [["--user", "ann", "--token", "t"], /--token needs no --user/],
      [["--service", "/a"], /cannot be used with option '--service/],
      [["--timeout", "Infinity"], /--timeout wants milliseconds/],
      [["--timeout", "0"], /--timeout wants milliseconds/],
      [["--named", "{"], /--named is no JSON/],
      [["--named", "{}"], /do not mix/],
    ];
    for (const [flags, message] of cases) {
      const result = await call("-c", address, "demo.echo", "echo", "1", ...flags);
      expect(result, flags.join(" ")).to.include({ status: 2, out: "" });
      expect(result.err).to.match(message);
    }
  });

  it("ends with 3 when the login is not answered, for the call itself was not sent", async () => {
    const { address } = await mesh.nameserver();
    const silent = defineInterface("org.pycom.authenticator", {
      methods: { authenticate: { params: ["user", "credentials"], run: () => new Promise(() => undefined) } },
    });
    await mesh.host([silent, locked], { nameserver: address, drainTimeoutMs: 0 });
    const result = await call("-n", address, "--user", "ann", "--timeout", "300", "demo.locked", "whoami");
    expect(result).to.include({ status: 3, out: "" });
    expect(result.err).to.match(/call was not sent/);
  });

  it("ends with 3 at the deadline when the nameserver is stopped", async () => {
    const nameserver = command.start(["nameserver", "-a", "tcp://127.0.0.1:0"]);
    const address = await command.ready(nameserver);
    nameserver.process.kill("SIGSTOP");
    const result = await call("-n", address, "demo.echo", "echo", "1", "--timeout", "300");
    expect(result).to.include({ status: 3, out: "" });
    expect(result.err)
      .to.match(/outcome: not-sent/)
      .and.not.to.match(/2000 ms/);
  });

  it("ends with 1 when a host answers that it does not offer the interface, with 3 when no host is known", async () => {
    const nameserver = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: nameserver.address });
    const stale = { address: host.address, interfaces: ["demo.gone"], service: "/stale" };
    await mesh.client({ nameserver: nameserver.address }).nameserverComponent().invoke("register", stale);
    for (const words of [
      ["-c", host.address, "no.such", "x", "1"],
      ["-c", host.address, "no.such", "x", "1", "2"],
      ["-n", nameserver.address, "demo.gone", "x"],
    ]) {
      const answered = await call(...words);
      expect(answered, words.join(" ")).to.include({ status: 1, out: "" });
      expect(answered.err).to.match(/Unsupported interface[^]*BAD_REQUEST, outcome: not-executed[^]*lamplighter list/);
    }
    expect(await call("-n", nameserver.address, "no.such", "x")).to.include({ status: 3, out: "" });
  });

  it("says what to do about an error", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo, counter, locked, authenticator], { nameserver: address, drainTimeoutMs: 0 });
    const cases: [string[], RegExp][] = [
      [["demo.echo", "add", "1"], /lamplighter introspect demo\.echo/],
      [["demo.echo", "nope"], /lamplighter introspect demo\.echo/],
      [["demo.locked", "whoami"], /--user and --credentials/],
      [["demo.counter", "counter", "--session", "nope"], /without --session/],
      [["demo.echo", "hang", "--timeout", "200"], /may have been executed/],
      [["no.such", "x"], /lamplighter list/],
    ];
    for (const [words, advice] of cases) {
      const result = await call("-n", address, ...words);
      expect(result.status, words.join(" ")).not.to.equal(0);
      expect(result.err).to.match(/code: [A-Z_]+, outcome: [a-z-]+\n/);
      expect(result.err).to.match(advice);
    }
  });

  it("tells its errors as JSON with --log json, and its steps with -v", async () => {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: address, service: "/there" });
    const failed = await call("-n", address, "demo.echo", "nope", "--log", "json");
    const { level, code, outcome } = JSON.parse(failed.err) as Record<string, unknown>;
    expect({ level, code, outcome }).to.deep.equal({
      level: "error",
      code: "METHOD_NOT_FOUND",
      outcome: "not-executed",
    });
    const told = await call("-n", address, "demo.echo", "echo", "1", "-v");
    expect(told).to.include({ status: 0, out: "1\n" });
    expect(told.err).to.contain(`debug: demo.echo is provided by /there at ${host.address}`);
  });

  it("prints a stream one value a line, and what JSON has not as close as it can be", async () => {
    const service = defineInterface("demo.stream", {
      methods: {
        count: async function* (to: number) {
          for (let n = 0; n < to; n++) yield { n, at: new Date(0) };
        },
        broken: async function* () {
          yield 1;
          throw new Error("no more");
        },
        odd: () => [1n, new Map([["a", new Set([1])]]), Buffer.from("hi"), undefined, new Uint8Array([1]), /x/g],
        none: () => undefined,
      },
    });
    const { address } = await mesh.nameserver();
    await mesh.host([service], { nameserver: address });
    const counted = await call("-n", address, "demo.stream", "count", "3");
    const line = (n: number): string => `{"n":${n},"at":"1970-01-01T00:00:00.000Z"}\n`;
    expect(counted).to.include({ status: 0, out: line(0) + line(1) + line(2) });
    const broken = await call("-n", address, "demo.stream", "broken");
    expect(broken).to.include({ status: 1, out: "1\n" });
    expect(broken.err).to.match(/outcome: executed/);
    const odd = await call("-n", address, "demo.stream", "odd");
    expect(odd.out).to.equal('["1",{"a":[1]},{"base64":"aGk="},null,{"base64":"AQ=="},"/x/g"]\n');
    expect((await call("-n", address, "demo.stream", "none")).out).to.equal("null\n");
  });

  it("says that references in the result end with the command, and prints them as what they are", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([bank], { nameserver: address });
    const opened = await call("-n", address, "demo.bank", "open");
    const shown = { account: "[an object of the service]", notify: "[a function of the service]" };
    expect(opened).to.include({ status: 0, out: `${JSON.stringify(shown)}\n` });
    expect(opened.err).to.match(/^reference: .* ends with this command/);
    const each = await call("-n", address, "demo.bank", "each");
    expect(each).to.include({ status: 0, out: '1\n"[an object of the service]"\n' });
    expect(each.err.match(/ends with this command/g)).to.have.length(1);
    expect((await call("-n", address, "demo.bank", "plain")).err).to.equal("");
  });

  it("names what is missing", async () => {
    const INTERFACE_AND_METHOD = /^error: call wants INTERFACE METHOD \[JSON\.\.\.\]\n$/;
    for (const words of [[], ["only.interface"]]) expect((await call(...words)).err).to.match(INTERFACE_AND_METHOD);
    expect((await call("--help")).out).to.contain("lamplighter call [options] INTERFACE METHOD [JSON...]");
  });

  it("ends with 1 for arguments that the contract refuses, before anything is sent", async () => {
    const { address } = await mesh.host([echo]);
    const refused = await call("-c", address, "demo.echo", "add", "1", '"x"');
    expect(refused).to.include({ status: 1, out: "" });
    expect(refused.err).to.match(/BAD_REQUEST, outcome: not-sent/);
    expect((await command.run(["--help"])).out).to.contain(
      "1 a host answered an error or its contract refuses the call",
    );
  });

  it("advises flags, and not options of programs", async () => {
    const { address } = await mesh.nameserver();
    const missing = await call("-n", address, "no.such", "x");
    expect(missing).to.include({ status: 3, out: "" });
    expect(missing.err)
      .to.match(/"lamplighter list" shows what is registered\n/)
      .and.not.to.match(/waitForMs/);
  });

  it("speaks the wire that it is told to", async () => {
    const { address } = await mesh.host([echo]);
    const words = ["-c", address, "demo.echo", "echo", '"x"'];
    expect(await call(...words, "--wire", "lamp")).to.include({ status: 0, out: '"x"\n' });
    expect((await call(...words, "--wire", "lampp")).err).to.contain('did you mean "lamp"');
    for (const wire of ["lamp", "foo"]) {
      const located = await call("demo.echo", "echo", "1", "--wire", wire, "--timeout", "200");
      expect(located).to.include({ status: 2, out: "" });
      expect(located.err).to.match(/--wire wants --connect/);
    }
  });
});
