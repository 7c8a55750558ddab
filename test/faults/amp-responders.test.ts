import { once } from "node:events";
import { expect } from "chai";
import { type AnyResponder, listenBoxes, RemoteAmpError, Responder, respond } from "../../src/compat/amp/index.js";
import { encodeBox } from "../../src/wire/amp/index.js";
import { Repeat, Sum, Switch, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useRawEnds } from "../support/amp-raw.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { until } from "../support/until.js";

/** JavaScript throws anything, and anything can be returned: also what throws when it is looked at. */
describe("Responders of AMP that throw, or return, what cannot be read", () => {
  const amp = useAmpPairs();
  const raw = useRawEnds();

  function throwing(name: string, error: object = new Error("odd")): object {
    return Object.defineProperty(error, name, {
      get() {
        throw null as unknown as Error;
      },
    });
  }

  function revoked(): object {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }

  /** A Proxy whose traps throw. */
  function trapped(target: object, ...traps: readonly string[]): object {
    const fail = (): never => {
      throw null as unknown as Error;
    };
    return new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, fail])));
  }

  const thrown: Record<string, () => unknown> = {
    nothing: () => undefined,
    null: () => null,
    "a symbol": () => Symbol("odd"),
    "an object without a class": () => Object.create(null) as unknown,
    "a proxy that was revoked": revoked,
    "a proxy that has no class": () => trapped({}, "getPrototypeOf"),
    "an error that cannot be looked at": () => trapped(new Error("odd"), "get", "getPrototypeOf"),
    "an error without a readable name": () => throwing("name"),
    "an error without a readable message": () => throwing("message"),
    "an error without a readable stack": () => throwing("stack"),
    "an error whose stack is a symbol": () => Object.assign(new Error("odd"), { stack: Symbol("odd") }),
    "an error whose stack has no text": () =>
      Object.assign(new Error("odd"), { stack: Object.create(null) as unknown }),
    "an error whose texts are none": () => Object.assign(new Error("odd"), { name: 42, message: [1] }),
    "one of our own without a readable code": () =>
      throwing("code", new RemoteAmpError("MINE", "odd", { received: true })),
    "one that travels, without a readable code": () => throwing("errorCode", new RemoteAmpError("MINE", "odd")),
  };
  const returned: Record<string, () => unknown> = {
    ...thrown,
    "a getter that throws": () => throwing("total", {}),
    "a getter that throws what has no class": () => ({
      get total() {
        throw trapped({}, "getPrototypeOf") as Error;
      },
    }),
    "a Map": () => new Map([["total", 1]]),
    "a function": () => () => 1,
    "a number that throws": () => ({ total: trapped({}, "get", "getPrototypeOf") }),
    "what throws at every look": () => trapped({}, "get", "ownKeys", "getOwnPropertyDescriptor"),
    "a thenable that throws": () => ({
      then() {
        throw null as unknown as Error;
      },
    }),
    "a then that cannot be read": () => throwing("then", {}),
  };

  /** Each is answered; what could not be unhandled would fail the test by itself. */
  async function answered(run: AnyResponder, dialect: "twisted" | "asyncio-amp"): Promise<void> {
    const { log } = keepLog();
    const server = await amp.listen({ ...respond(Sum, () => ({ total: 0 })), run }, { dialect, log });
    const peer = await amp.connect(server, { timeoutMs: 10_000 });
    expect(await failureOf(peer.callRemote(Sum, { a: 1, b: 2 }))).to.include({
      errorCode: "UNKNOWN",
      outcome: "executed",
    });
  }

  for (const dialect of ["twisted", "asyncio-amp"] as const) {
    for (const [what, make] of Object.entries(thrown)) {
      it(`are answered for when they throw ${what}, to ${dialect}`, async () => {
        const fail = (): never => {
          throw make() as Error;
        };
        await answered(fail, dialect);
        await answered(() => Promise.resolve().then(fail), dialect);
      });
    }
    for (const [what, make] of Object.entries(returned)) {
      it(`are answered for when they return ${what}, to ${dialect}`, async () => {
        await answered(make, dialect);
        await answered(() => Promise.resolve().then(make), dialect);
      });
    }
  }

  it("answer when the log itself throws", async () => {
    const fail = (): never => {
      throw new Error("no log");
    };
    let connections = 0;
    const server = await amp.listen(vectorResponders(), {
      log: { debug: fail, info: fail, warn: fail, error: fail },
      // The first is closed for that.
      onConnection: () => ++connections === 1 && fail(),
    });
    await (await raw.connect(server.address)).ended();
    const peer = await amp.connect(server);
    expect(await failureOf(peer.callRemote(Repeat, { text: "", times: -1 }))).to.include({ errorCode: "UNKNOWN" });
  });

  it("are answered for when nobody can say who they are", async () => {
    const { log, lines } = keepLog();
    const locator = {
      locateResponder() {
        throw new Error("lost");
      },
    };
    const peer = await amp.connect(await amp.listen(locator, { log }));
    expect(await failureOf(peer.callRemote(Sum, { a: 1, b: 2 }))).to.include({ errorCode: "UNKNOWN" });
    expect(lines("error").join()).to.include("lost");
  });

  it("cannot be made, and then that connection is not taken, and others are", async () => {
    const { log, lines } = keepLog();
    let made = 0;
    class Once {
      constructor() {
        if (made++ === 0) throw new Error("not the first");
      }

      @Responder(Sum) sum() {
        return { total: 3 };
      }
    }
    const server = await amp.listen(Once, { log });
    await (await raw.connect(server.address)).ended();
    expect(lines("warn").join()).to.include("not the first");
    const peer = await amp.connect(server);
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    expect(server.peers).to.have.length(1);
  });

  it("are none of listenBoxes, whose function may throw as well", async () => {
    const refused: string[] = [];
    const listener = await listenBoxes(
      "tcp://127.0.0.1:0",
      () => {
        throw new Error("nobody");
      },
      { onRefused: (_address, { message }) => refused.push(message) },
    );
    await (await raw.connect(listener.address)).ended();
    await listener.close();
    expect(refused.join()).to.include("nobody");
  });

  it("close the connection where an answer cannot be sent at all", async () => {
    const server = await amp.listen(
      respond(Sum, async () => Promise.resolve({ total: 3 })),
      { dialect: "asyncio-amp" },
    );
    const sum = { _command: Buffer.from("Sum"), a: Buffer.from("1"), b: Buffer.from("2") };
    for (const command of ["Sum", "None"]) {
      const end = await raw.connect(server.address);
      end.send(encodeBox(new Map(Object.entries({ ...sum, _ask: Buffer.alloc(0), _command: Buffer.from(command) }))));
      expect(await end.ended()).to.equal("");
    }
    const peer = await amp.connect(server, { dialect: "asyncio-amp" });
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("take a connection over and fail later: it is closed, and the log knows why", async () => {
    const { log, lines } = keepLog();
    const server = await amp.listen(
      respond(Switch, () => () => Promise.reject(new Error("too hard"))),
      { log },
    );
    const peer = await amp.connect(server);
    const socket = await peer.switchProtocol(Switch, { to: "" });
    socket.resume();
    await once(socket, "close");
    expect(lines("error").join("\n")).to.include("too hard");
  });

  it("take over what is gone already, and nothing happens", async () => {
    let answer: () => void = () => undefined;
    let taken = 0;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const server = await amp.listen([
      respond(Switch, async (_args, { command }) => {
        expect(command).to.equal("Switch");
        await asked;
        return () => taken++;
      }),
      ...vectorResponders().slice(1),
    ]);
    const end = await raw.connect(server.address);
    end.send(
      encodeBox(
        new Map(Object.entries({ _ask: Buffer.from("1"), _command: Buffer.from("Switch"), to: Buffer.alloc(0) })),
      ),
    );
    await until(() => server.peers[0]?.info.running === 1);
    const [peer] = server.peers;
    end.reset();
    await end.ended();
    // The reset has arrived when another connection, made after it, is answered.
    await failureOf((await amp.connect(server)).callRemote(Repeat, { text: "", times: 1 }));
    answer();
    expect(await peer?.closed).to.include({ code: "UNAVAILABLE" });
    expect(taken).to.equal(0);
  });
});
