import { expect } from "chai";
import { FailedLogins } from "../../src/security/failed-logins.js";

/** Settles each look by hand. */
class Looks {
  readonly begun: ((user: string | undefined) => void)[] = [];

  readonly look = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      this.begun.push(resolve);
    });

  /** Settles all, those that begin meanwhile too. */
  async settle(user: string | undefined): Promise<void> {
    for (const end of this.begun) {
      end(user);
      await new Promise(setImmediate);
    }
  }
}

describe("Failed log-ins", () => {
  const checkAll = (failed: FailedLogins, count: number, look: Looks["look"]) =>
    Array.from({ length: count }, () => failed.check("10.0.0.1", look));

  it("are no more when they are tried at once", async () => {
    const looks = new Looks();
    const all = checkAll(new FailedLogins(3, 60_000), 10, looks.look);
    await looks.settle(undefined);
    expect(await Promise.all(all)).to.deep.equal(Array(10).fill(undefined));
    expect(looks.begun).to.have.length(3);
  });

  it("keep nobody out who is right, however many come at once", async () => {
    const looks = new Looks();
    const all = checkAll(new FailedLogins(3, 60_000), 10, looks.look);
    await looks.settle("ann");
    expect(await Promise.all(all)).to.deep.equal(Array(10).fill("ann"));
  });

  it("go on when a look breaks, which counts for neither", async () => {
    const failed = new FailedLogins(1, 60_000);
    const broken = failed.check("10.0.0.1", () => Promise.reject(new Error("no database")));
    const next = failed.check("10.0.0.1", () => "ann");
    expect(await broken.catch((error: unknown) => (error as Error).message)).to.equal("no database");
    expect(await next).to.equal("ann");
  });

  it("are those of a network, where addresses are anybody's choice", async () => {
    const failed = new FailedLogins(2, 60_000);
    for (const address of ["2001:db8::1", "2001:db8::2"]) await failed.check(address, () => undefined);
    expect(await failed.check("2001:db8::3", () => "ann")).to.equal(undefined);
    expect(await failed.check("2001:db8:0:1::3", () => "ann")).to.equal("ann");
  });

  it("are forgotten after a while", async () => {
    let now = 0;
    const failed = new FailedLogins(1, 1_000, () => now);
    expect(await failed.check("", () => undefined)).to.equal(undefined);
    expect(await failed.check("", () => "ann")).to.equal(undefined);
    now = 1_000;
    expect(await failed.check("", () => "ann")).to.equal("ann");
  });
});
