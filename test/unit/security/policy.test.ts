import { expect } from "chai";
import type { Caller } from "../../../src/security/caller.js";
import { AccessPolicy, type Policy, type PolicyQuestion } from "../../../src/security/policy.js";

const ann: Caller = { name: "ann", roles: ["admin"], proof: "token", info: {} };
const bob: Caller = { name: "bob", roles: [], proof: "key", info: {} };

/** What a policy says of one call, who was asked for, and what failed. */
function ask(policy: Policy, method: string, caller?: Caller | Promise<Caller>, name = "com.foo.example") {
  const told = { asked: 0, failures: [] as unknown[] };
  const verdict = new AccessPolicy(policy).permits({
    interface: name,
    method,
    caller: () => {
      told.asked++;
      return caller;
    },
    failed: (error) => told.failures.push(error),
  });
  return { verdict, ...told };
}

describe("A policy", () => {
  it("is decided by the first rule that matches, and denies what none does", () => {
    const policy: Policy = [
      { method: "drop", then: "deny" },
      { interface: "com.foo.*", then: "allow" },
    ];
    expect(ask(policy, "get").verdict).to.equal(true);
    expect(ask(policy, "drop").verdict).to.equal(false);
    expect(ask(policy, "get", undefined, "com.bar").verdict).to.equal(false);
    expect(ask(policy, "get", undefined, "com.foo").verdict).to.equal(false);
    expect(ask({ rules: [{ method: "drop", then: "deny" }], otherwise: "allow" }, "get").verdict).to.equal(true);
    expect(ask([], "get").verdict).to.equal(false);
    expect([ask("allow", "get").verdict, ask("deny", "get").verdict]).to.deep.equal([true, false]);
  });

  it("knows users by name, by the beginning of it, and by role", () => {
    const of = (rule: { users?: string[]; roles?: string[] }, caller?: Caller) =>
      ask([{ ...rule, then: "allow" }], "get", caller).verdict;
    expect([of({ users: ["ann"] }, ann), of({ users: ["ann"] }, bob), of({ users: ["ann"] })]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect([of({ users: ["a*"] }, ann), of({ users: ["a*"] }, bob)]).to.deep.equal([true, false]);
    expect([of({ users: ["*"] }, bob), of({ users: ["*"] })]).to.deep.equal([true, false]);
    expect([of({ roles: ["admin"] }, ann), of({ roles: ["admin"] }, bob)]).to.deep.equal([true, false]);
    expect(of({ users: ["bob"], roles: ["admin"] }, bob)).to.equal(false);
  });

  it("finds out who calls only when that matters, and once", async () => {
    const policy: Policy = [
      { method: "stat", then: "allow" },
      { users: ["bob"], then: "deny" },
      { users: ["ann"], then: "allow" },
    ];
    expect(ask(policy, "stat", ann)).to.include({ verdict: true, asked: 0 });
    expect(ask(policy, "get", ann)).to.include({ verdict: true, asked: 1 });
    const { verdict, asked } = ask(policy, "get", Promise.resolve(ann));
    expect([await verdict, asked]).to.deep.equal([true, 1]);
    expect(await ask(policy, "get", Promise.resolve(bob)).verdict).to.equal(false);
  });

  it("asks a function, of which only true allows", async () => {
    const questions: PolicyQuestion[] = [];
    const function_ = (question: PolicyQuestion) => {
      questions.push(question);
      return question.caller?.name === "ann";
    };
    expect([ask(function_, "get", ann).verdict, ask(function_, "get", bob).verdict]).to.deep.equal([true, false]);
    expect(questions[0]).to.deep.equal({ interface: "com.foo.example", method: "get", caller: ann });
    expect(await ask([{ then: () => Promise.resolve(true) }], "get").verdict).to.equal(true);
    expect(await ask((() => Promise.resolve("yes")) as unknown as Policy, "get").verdict).to.equal(false);
    expect(await ask((() => 1) as unknown as Policy, "get").verdict).to.equal(false);
  });

  it("denies when a function of it fails, and tells of that", async () => {
    const failure = new Error("broken");
    const thrown = ask(() => {
      throw failure;
    }, "get");
    expect(thrown).to.deep.include({ verdict: false, failures: [failure] });
    const failures: unknown[] = [];
    const rejected = new AccessPolicy(() => Promise.reject(failure)).permits({
      interface: "i",
      method: "m",
      caller: () => undefined,
      failed: (error) => failures.push(error),
    });
    expect([await rejected, failures]).to.deep.equal([false, [failure]]);
  });

  for (const [what, policy, message] of [
    ["a misspelt member", [{ user: ["ann"], then: "allow" }], /Rule 1 .* "user".* did you mean "users"/],
    ["no verdict", [{ method: "get" }], /"allow" or "deny"/],
    ["a verdict that is none", [{ then: "allowed" }], /got "allowed"/],
    ["a list of nobody", [{ users: [], then: "deny" }], /list of one name at least/],
    ["users that are no list", [{ users: "ann", then: "deny" }], /list of one name at least/],
    ["a list of no names", [{ method: [], then: "deny" }], /A list of names is empty/],
    ["a star in the middle", [{ method: "a*b", then: "deny" }], /a \* that does not stand at its end/],
    ["rules that are no list", { rules: {} }, /are a list/],
    ["another word", "alow", /"allow" or "deny"/],
    ["nothing", null, /is an object/],
  ] as const) {
    it(`is refused with ${what}, which would let others in than was meant`, () => {
      expect(() => new AccessPolicy(policy as unknown as Policy)).to.throw(message);
    });
  }
});
