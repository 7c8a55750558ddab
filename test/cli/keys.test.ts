import { statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { useCommand } from "../support/command.js";

/** As the newcomer of docs/security.md does it. */
describe("lamplighter keys", () => {
  const command = useCommand();
  // Keys need the link that knows who sends, whatever the rest of the suite runs on.
  const env = { LAMPLIGHTER_TRANSPORT: "" };

  it("makes keys that commands use, trusts some, and revokes them", async () => {
    const folder = (name: string) => join(command.folder(), name);
    const generate = async (name: string): Promise<string> => {
      const { status, out } = await command.run(["keys", "generate", "--keys", folder(name)]);
      expect([status, out.trim().length]).to.deep.equal([0, 40]);
      if (process.platform !== "win32") {
        expect(statSync(join(folder(name), "secret.key")).mode & 0o777).to.equal(0o600);
      }
      return out.trim();
    };
    const [nameserver, host, ann] = [await generate("nameserver"), await generate("host"), await generate("ann")];
    const run = async (...args: string[]) => {
      const { status, err } = await command.run(args);
      expect(status, err).to.equal(0);
    };
    await run("keys", "trust", "--keys", folder("nameserver"), "the-host", host);
    await run("keys", "trust", "--keys", folder("nameserver"), "ann", ann);
    await run("keys", "trust", "--keys", folder("host"), "ann", ann);
    for (const name of ["host", "ann"]) await run("keys", "trust", "--keys", folder(name), "--nameserver", nameserver);

    const query = command.file(
      "query.mjs",
      `import { currentCall, defineInterface } from "${join(process.cwd(), "build/index.js")}";
      export const who = defineInterface("demo.who", { methods: { who: () => currentCall().caller.name } });`,
    );
    const running = command.start(["nameserver", "-a", "tcp://127.0.0.1:0", "--keys", folder("nameserver")], { env });
    const address = await command.ready(running);
    const serving = command.start(["serve", query, "-n", address], {
      env: { ...env, LAMPLIGHTER_KEYS: folder("host") },
    });
    await command.ready(serving);
    const call = (...flags: string[]) =>
      command.run(["call", "-n", address, "--timeout", "2000", ...flags, "demo.who", "who"], { env });
    expect(await call("--keys", folder("ann"))).to.include({ status: 0, out: '"ann"\n' });
    const open = await call();
    expect([open.status, open.out]).to.deep.equal([3, ""]);
    await run("keys", "revoke", "--keys", folder("nameserver"), "ann");
    // The folder is looked at twice a second.
    let revoked = await call("--keys", folder("ann"));
    while (revoked.status === 0) revoked = await call("--keys", folder("ann"));
    expect([revoked.status, revoked.out]).to.deep.equal([3, ""]);
    expect(revoked.err).to.match(/No nameserver lets this client in/);
  });

  it("says what is wrong, and exits with 2, or 1 where a name is not there", async () => {
    const path = join(command.folder(), "wrong");
    const nowhere = await command.run(["keys", "show", "--keys", path]);
    expect([nowhere.status, nowhere.err]).to.deep.equal([2, nowhere.err]);
    expect(nowhere.err).to.contain("lamplighter keys generate");
    expect((await command.run(["keys", "show"], { env: { LAMPLIGHTER_KEYS: "" } })).err).to.contain("--keys DIR");
    await command.run(["keys", "generate", "--keys", path]);
    for (const [args, text] of [
      [["trust", "ann"], /NAME KEY/],
      [["trust", "ann", "short"], /5 characters/],
      [["trust", "../ann", "x".repeat(40)], /no name of a user/],
      [["generate"], /has keys already/],
    ] as const) {
      const { status, err } = await command.run(["keys", ...args, "--keys", path]);
      expect(status, err).to.equal(2);
      expect(err).to.match(text);
    }
    expect((await command.run(["keys", "revoke", "nobody", "--keys", path])).status).to.equal(1);
  });
});
