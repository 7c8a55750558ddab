import { once } from "node:events";
import { resolve } from "node:path";
import { expect } from "chai";
import { amp, defineCommand, respond, unicode } from "../../src/compat/amp/index.js";
import { selfSigned } from "../../src/transport/stream/self-signed.js";
import { vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";

const Hang = defineCommand({ name: "Hang", response: { text: unicode() } });
const responders = [
  ...vectorResponders(),
  respond(Hang, async (_args, { signal }) => {
    await once(signal, "abort");
    return { text: "" };
  }),
];

describe("lamplighter call --wire amp", () => {
  const mesh = useMesh();
  const pairs = useAmpPairs();
  const command = useCommand();
  let address = "";
  beforeEach(async () => {
    ({ address } = await pairs.listen(responders));
  });
  const call = (...words: string[]) => command.run(["call", "--wire", "amp", "-c", address, ...words]);

  /** Definitions, as a user would write them. */
  const definitions = (): string =>
    command.file(
      "definitions.mjs",
      `import * as amp from ${JSON.stringify(resolve("build/compat/amp/index.js"))};
       const { ampList, bytes, dateTime, decimal, defineCommand, float, integer, optional } = amp;
       export const Sum = defineCommand({ name: "Sum", arguments: { a: integer(), b: integer() }, response: { total: integer() } });
       export class ZeroDivision extends Error {}
       export const Divide = defineCommand({
         name: "Divide",
         arguments: { numerator: integer(), denominator: integer() },
         response: { result: float() },
         errors: { ZERO_DIVISION: ZeroDivision },
       });
       const every = {
         integer: optional(integer()), string: optional(bytes()), decimal: optional(decimal()), datetime: optional(dateTime()),
         rows: optional(ampList({ x: integer() })),
       };
       export const Types = defineCommand({ name: "Types", arguments: every, response: every });
       export const other = 1;`,
    );

  it("guesses types of commands that nobody has defined, and prints texts and octets", async () => {
    expect(await call("Sum", '{"a":1180591620717411303424,"b":-1}')).to.include({
      status: 0,
      out: '{"total":"1180591620717411303423"}\n',
    });
    expect(await call("Sum", "--named", '{"a":1,"b":2}')).to.include({ status: 0, out: '{"total":"3"}\n' });
    expect(
      await call("Types", '{"boolean":true,"float":1.5,"unicode":"a 12345678901234567890","integer":null}'),
    ).to.include({
      status: 0,
      out: '{"boolean":"True","float":"1.5","unicode":"a 12345678901234567890"}\n',
    });
    expect(await call("lowLevel", '{"data":{"base64":"/wA="}}')).to.include({
      status: 0,
      out: '{"echo":{"base64":"/wA="}}\n',
    });
  });

  it("sends and prints what a definition says", async () => {
    const file = definitions();
    expect(await call("Sum", "1", "2", "--command", `${file}#Sum`)).to.include({ status: 0, out: '{"total":3}\n' });
    const values = {
      integer: 1,
      string: { base64: "/w==" },
      decimal: "1.10",
      datetime: { dateTime: "2003-09-27T09:40:01.521290+02:00" },
      rows: [{ x: 2 }],
    };
    const typed = await call("Types", JSON.stringify(values), "--command", `${file}#Types`);
    expect(typed).to.include({ status: 0, err: "" });
    expect(JSON.parse(typed.out)).to.deep.equal({ ...values, datetime: values.datetime.dateTime });
  });

  it("calls at tls:// who is known by a certificate, and nobody else", async () => {
    const tls = selfSigned("localhost");
    const server = await pairs.listen(responders, { address: "tls://localhost:0", tls });
    const port = /\d+$/.exec(server.address)?.[0] ?? "";
    address = `tls://localhost:${port}`;
    const ca = command.file("ca.pem", tls.cert);
    expect(await call("Sum", '{"a":1,"b":2}', "--tls-ca", ca)).to.include({ status: 0, out: '{"total":"3"}\n' });
    const unknown = await call("Sum", '{"a":1,"b":2}', "--timeout", "2000");
    expect(unknown).to.include({ status: 3, out: "" });
  });

  it("ends with the status that tells what is known", async () => {
    const file = definitions();
    const divided = await call("Divide", "1", "0", "--command", `${file}#Divide`);
    expect(divided).to.include({ status: 1, out: "" });
    expect(divided.err).to.match(
      /Divide failed at .*: division by zero \(ZERO_DIVISION\)\ncode: UNKNOWN, outcome: executed/,
    );
    expect(await call("Nope")).to.include({ status: 1 });
    expect(await call("Sum", '{"a":1}', "--command", `${file}#Sum`)).to.include({ status: 1 });
    expect(await call("Sum", "1", "2")).to.include({ status: 1 });
    expect(await call("Hang", "--timeout", "300")).to.include({ status: 4, out: "" });
    address = "tcp://127.0.0.1:1";
    expect(await call("Sum", "{}", "--timeout", "300")).to.include({ status: 3 });
  });

  it("says what is wrong with the words", async () => {
    const file = definitions();
    const wrong = async (expected: RegExp, ...words: string[]): Promise<void> => {
      const ended = await call(...words);
      expect(ended).to.include({ status: 2, out: "" });
      expect(ended.err).to.match(expected);
    };
    await wrong(/wants NAME/);
    await wrong(/argument 1 is no JSON/, "Sum", "{");
    await wrong(/is no date and time/, "Types", '{"datetime":{"dateTime":"now"}}');
    await wrong(/is the definition of Sum, and Types/, "Types", "--command", `${file}#Sum`);
    await wrong(/exports no Nope \(it exports .*Sum/, "Nope", "--command", `${file}#Nope`);
    await wrong(/is no command/, "other", "--command", `${file}#other`);
    await wrong(/wants FILE#EXPORT/, "Sum", "--command", file);
    await wrong(/no module/, "Sum", "--command", "missing.js#Sum");
    await wrong(/--tls-ca missing.pem cannot be read/, "Sum", "--tls-ca", "missing.pem");
    await wrong(/--attach is not for --wire amp/, "Sum", "--attach", file);
    expect(await command.run(["call", "-c", address, "demo", "x", "--tls-ca", file])).to.include({ status: 2 });
  });

  it("calls hosts, by the name of a method or with that of its interface", async () => {
    ({ address } = await mesh.host([echo], { address: { address: "tcp://127.0.0.1:0", wire: amp() } }));
    expect(await call("demo.echo.add", '{"a":1,"b":2}')).to.include({ status: 0, out: '{"result":"3"}\n' });
    const refused = await call("add", '{"a":1}');
    expect(refused).to.include({ status: 1 });
    expect(refused.err).to.match(/args\.b .*is missing[^]*code: BAD_REQUEST, outcome: not-executed/);
  });
});
