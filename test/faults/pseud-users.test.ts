import { expect } from "chai";
import { type Child, useProcesses } from "../support/processes.js";
import { usePseud } from "../support/pseud-endpoints.js";
import { until } from "../support/until.js";

interface User {
  ask(question: string): string;
}

const PROCESSES = 4;
const USERS = 1_000;

describe("A server of pseud with 1,000 users", () => {
  const pseud = usePseud();
  const start = useProcesses();

  it("calls exactly the one that it means, also after their connections were made anew", async function () {
    this.timeout(120_000);
    const users = Object.fromEntries(Array.from({ length: USERS }, (_, id) => [`user-${id}`, `of user-${id}`]));
    const present = new Set<string>();
    let joined = 0;
    const server = pseud.server({
      id: "service",
      security: "plain",
      users,
      timeoutMs: 60_000,
      onEvent: (event) => {
        if (event.type === "joined") {
          joined++;
          present.add(event.peer.user);
        }
      },
    });
    const address = await server.bind("tcp://127.0.0.1:0");
    const each = USERS / PROCESSES;
    const run = (index: number): Child => {
      const args = ["--import", "tsx", "test/fixtures/pseud-users.ts", address, `${index * each}`, `${each}`];
      return start(process.execPath, args, { interactive: true });
    };
    const tell = (child: Child, line: string): void => void child.process.stdin?.write(`${line}\n`);
    const askAll = async (question: string): Promise<void> => {
      const names = Object.keys(users);
      const answers = await Promise.all(names.map((name) => server.sendTo<User>(name).ask(question)));
      expect(answers).to.deep.equal(names.map((name) => `${name}: ${question}`));
    };
    const counts = async (child: Child): Promise<[string, number][]> => {
      tell(child, "counts");
      const [, text = ""] = await child.waitFor(/^counts (.*)$/m);
      return JSON.parse(text) as [string, number][];
    };

    const children = Array.from({ length: PROCESSES }, (_, index) => run(index));
    await until(() => present.size === USERS);
    await askAll("first");

    const [dropped, killed] = children as [Child, Child, ...Child[]];
    tell(dropped, "drop");
    await until(() => joined === USERS + each);
    await askAll("second");

    killed.process.kill("SIGKILL");
    await killed.ended;
    children[1] = run(1);
    await until(() => joined === USERS + 2 * each);
    await askAll("third");

    for (const [index, child] of children.entries()) {
      for (const [name, asked] of await counts(child)) expect(asked, name).to.equal(index === 1 ? 1 : 3);
    }
  });
});
