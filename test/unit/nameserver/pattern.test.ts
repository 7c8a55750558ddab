import { expect } from "chai";
import fc from "fast-check";
import { compilePattern } from "../../../src/nameserver/pattern.js";

describe("compilePattern()", () => {
  const name = "/org/pycom/nameserver";

  for (const pattern of [
    "/org/pycom",
    ".*/pycom",
    "/org/pycom/nameserver$",
    "",
    "(?P<root>/org)",
    "(?i)/ORG",
    "[/]\\w{3}/",
  ]) {
    it(`matches ${name} with ${JSON.stringify(pattern)}, from the first character on`, () => {
      expect(compilePattern(pattern)(name)).to.equal(true);
    });
  }

  for (const pattern of ["/pycom", "/org/pycom/nameserver/1", "org", "/org$", "/org\\Z", "[^/]", "/o{2}"]) {
    it(`does not match ${name} with ${JSON.stringify(pattern)}`, () => {
      expect(compilePattern(pattern)(name)).to.equal(false);
    });
  }

  const asPython: readonly (readonly [string, string, boolean])[] = [
    ["a(?#comment)*b", "aab", true],
    ["(?#comment)a", "a", true],
    ["\\012", "\n", true],
    ["\\101", "A", true],
    ["[\\1]", "\x01", true],
    ["[\\x41-\\103]$", "B", true],
    ["\\s", "\x1c", true],
    ["\\s", "\x85", true],
    ["\\s", "\ufeff", false],
    ["\\B", "", false],
    ["a{}", "a{}", true],
    ["a{,}$", "aaa", true],
    ["a{,x}", "a{,x}", true],
    ["a$", "a\n", true],
    ["a\\Z", "a\n", false],
    ["(?m)a$\\n^b", "a\nb", true],
    ["(?s).$", "\n", true],
    [".$", "😀", true],
    ["[😀-😂]$", "😁", true],
    ["(?i)s", "ſ", true],
    ["(?i)\\W", "ß", false],
    ["(?i)[A-Z]", "ß", false],
    ["(?i)[^a]", "A", false],
  ];
  for (const [pattern, text, expected] of asPython) {
    it(`${expected ? "matches" : "does not match"} ${JSON.stringify(text)} with ${pattern}, as Python does`, () => {
      expect(compilePattern(pattern)(text)).to.equal(expected);
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ["(", /unterminated group at position 1/],
    [")", /unbalanced parenthesis/],
    ["*a", /nothing to repeat/],
    ["a**", /multiple repeat/],
    ["{2}", /nothing to repeat/],
    ["a|{2}", /nothing to repeat/],
    ["^*", /nothing to repeat/],
    ["a*+", /possessive/],
    ["(?>a)", /not supported/],
    ["(?(1)a|b)", /conditions/],
    ["(?P=n)", /back-references/],
    ["(?<=a)", /look-around/],
    ["(?i:a)", /flags for a part/],
    ["(?x)a", /the flag x/],
    ["(?a)\\w", /the flag a/],
    ["(?#a", /unterminated comment/],
    ["\\x4", /incomplete escape/],
    ["\\8", /back-references/],
    ["a{3,2}", /smaller count/],
    ["(a)\\1", /back-references/],
    ["(?=a)", /look-around/],
    ["[z-a]", /bad character range/],
    ["[a", /ends too early/],
    ["\\q", /bad escape/],
    ["(((a{1000}){1000}){1000})", /too large/],
    ["a".repeat(1001), /1001 characters/],
    ["(".repeat(200), /nested/],
  ];
  for (const [pattern, message] of refused) {
    it(`refuses ${JSON.stringify(pattern.slice(0, 30))} and says why`, () => {
      expect(() => compilePattern(pattern))
        .to.throw(message)
        .with.property("code", "BAD_REQUEST");
    });
  }

  it("answers for patterns on which a backtracking engine would never end", () => {
    for (const pattern of ["(a+)+$", "(a|a)*b", "((a*)*)*c", "(.*.*)*x", "(a{0,30}){0,30}b"]) {
      expect(compilePattern(pattern)(`${"a".repeat(5_000)}!`)).to.be.a("boolean");
    }
  });

  it("compiles nested repetitions of nothing, which write out no program to limit", () => {
    for (const nothing of ["()", "(a{0})", "(|)"]) {
      const pattern = `${"(".repeat(20)}${nothing}${"{1000})".repeat(20)}/org`;
      if (nothing === "(|)") expect(() => compilePattern(pattern)).to.throw(/too large/);
      else expect(compilePattern(pattern)(name)).to.equal(true);
    }
  });

  it("gives up on a pattern that takes too many steps over all texts together", () => {
    const matches = compilePattern("(.?){900}x");
    expect(() => {
      for (;;) matches("a".repeat(1_000));
    }).to.throw(/too many steps/);
  });

  it("agrees with JavaScript on what both understand", () => {
    const atom = fc.constantFrom("a", "b", "/", ".", "[ab]", "[^a]", "\\d", "\\w", "(a|b)", "(?:ab)", "\\.");
    const piece = fc.tuple(atom, fc.constantFrom("", "*", "+", "?", "{2}", "{1,2}", "*?")).map((pair) => pair.join(""));
    const pattern = fc
      .array(piece, { maxLength: 5 })
      .chain((parts) => fc.constantFrom("", "$", "|b").map((end) => parts.join("") + end));
    fc.assert(
      fc.property(
        pattern,
        fc.string({ unit: fc.constantFrom("a", "b", "/", "1", "."), maxLength: 8 }),
        (source, text) => {
          const expected = new RegExp(`^(?:${source})`, "u").test(text);
          expect(compilePattern(source)(text), `${source} on ${text}`).to.equal(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
