import { expect } from "chai";
import { defineInterface, Method, RpcError, registerError } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";

class OutOfStock extends Error {
  override readonly name = "OutOfStock";
  readonly left: number;
  constructor(left: number) {
    super(`only ${left} left`);
    this.left = left;
  }
  hint(): string {
    return `take ${this.left}`;
  }
}
class VeryOutOfStock extends OutOfStock {}
class Money extends Error {
  readonly #cents: number;
  constructor(cents: number) {
    super("too dear");
    this.#cents = cents;
  }
  get euros(): number {
    return this.#cents / 100;
  }
}

class Counter {
  @Method() sell(): never {
    throw new OutOfStock(2);
  }
}

const shop = defineInterface("demo.shop", {
  methods: {
    buy: () => {
      throw new OutOfStock(3);
    },
    buyMore: () => {
      throw new VeryOutOfStock(1);
    },
    pay: () => {
      throw new Money(250);
    },
    crash: () => {
      throw new RangeError("in the engine room", { cause: new Error("steam") });
    },
    counter: () => new Counter(),
    each: async function* () {
      yield 1;
      throw new OutOfStock(1);
    },
    ask: async (callback: () => Promise<unknown>) => {
      try {
        await callback();
      } catch (error) {
        return error instanceof OutOfStock && error.left;
      }
      return "nothing was thrown";
    },
  },
});

interface Shop {
  buy(): void;
  buyMore(): void;
  pay(): void;
  crash(): void;
  counter(): { sell(): Promise<never> };
  each(): AsyncGenerator<number>;
  ask(callback: () => void): unknown;
}

describe("Errors of methods", () => {
  const mesh = useMesh();
  const connect = async (errors?: "hidden" | "message" | "stack", wire = "lamp") => {
    const host = await mesh.host([shop], { errors });
    return mesh.client().connect<Shop>(host.address, "demo.shop", { wire });
  };

  before(() => {
    registerError(OutOfStock);
    registerError(Money, {
      toData: ({ euros }) => ({ euros }),
      fromData: (_message, data) => new Money((data as { euros: number }).euros * 100),
    });
  });

  it("come back as themselves when their class is registered, with the call's error as their cause", async () => {
    const remote = await connect();
    const error = (await failureOf(remote.buy())) as unknown as OutOfStock;
    expect(error).to.be.instanceOf(OutOfStock);
    expect(error.message).to.equal("only 3 left");
    expect(error.hint()).to.equal("take 3");
    expect(error.cause).to.be.instanceOf(RpcError);
    expect(error.cause).to.include({ code: "UNKNOWN", outcome: "executed", method: "buy" });
  });

  it("come back as the nearest class that is registered", async () => {
    const error = await failureOf((await connect()).buyMore());
    expect(error).to.be.instanceOf(OutOfStock).and.not.instanceOf(VeryOutOfStock);
  });

  it("are written and made as their class wants", async () => {
    const error = (await failureOf((await connect()).pay())) as unknown as Money;
    expect(error.euros).to.equal(2.5);
  });

  it("are no news for the host's log when their class is registered, and an error there when not", async () => {
    const { log, lines } = keepLog();
    const host = await mesh.host([shop], { log });
    const remote = mesh.client().connect<Shop>(host.address, "demo.shop", { wire: "lamp" });
    await failureOf(remote.buy());
    await failureOf(remote.buyMore());
    expect(lines("error")).to.deep.equal([]);
    expect(lines("debug").filter((line) => line.includes("demo.shop.buy"))).to.deep.equal([
      "demo.shop.buy answered with OutOfStock: only 3 left",
      "demo.shop.buyMore answered with OutOfStock: only 1 left",
    ]);
    await failureOf(remote.crash());
    expect(lines("error").join()).to.match(/demo\.shop\.crash failed: RangeError: in the engine room/);
  });

  it("hide what is of no registered class, unless the host's policy says otherwise", async () => {
    const hidden = await failureOf((await connect()).crash());
    expect(hidden.message).to.not.contain("engine");
    const told = await failureOf((await connect("message")).crash());
    expect(told).to.include({ message: "in the engine room", code: "UNKNOWN", outcome: "executed" });
    expect(told.remote).to.include({ name: "RangeError" }).and.not.have.property("stack");
    const stack = await failureOf((await connect("stack")).crash());
    expect(stack.remote?.stack).to.contain("errors.test");
  });

  it("have a text on PyCOM's wire, as far as the policy allows", async () => {
    expect((await failureOf((await connect("hidden", "pycom")).crash())).message).to.not.contain("engine");
    expect((await failureOf((await connect("message", "pycom")).crash())).message).to.equal("in the engine room");
    expect((await failureOf((await connect("hidden", "pycom")).buy())).message).to.equal("only 3 left");
  });

  it("come back as themselves from methods of references, from callbacks, and from streams", async () => {
    const remote = await connect();
    const counter = await remote.counter();
    expect(await failureOf(counter.sell()))
      .to.be.instanceOf(OutOfStock)
      .and.include({ left: 2 });
    const ask = remote.ask(() => {
      throw new OutOfStock(7);
    });
    expect(await ask).to.equal(7);
    const stream = (await remote.each())[Symbol.asyncIterator]();
    await stream.next();
    expect(await failureOf(stream.next()))
      .to.be.instanceOf(OutOfStock)
      .and.include({ left: 1 });
  });

  it("keep their names to one class each", () => {
    expect(() => {
      registerError(class extends Error {}, { name: "OutOfStock" });
    }).to.throw("Another class");
  });
});
