import { expect } from "chai";
import { generateKeyPair } from "../../src/transport/zmtp/curve-box.js";
import { generator } from "../support/generator.js";
import { command, frame, greeting, ready } from "../support/raw-zmtp.js";
import { clientEnd, type End, exchange, publishingEnd, serverEnd } from "../support/zmtp-pair.js";

/**
 * A fuzzer in memory: mutated conversations against sessions of both roles. Whatever comes, a session either goes on or
 * fails with one of our own errors, delivers nothing before the handshake is done, and holds no more than came.
 *
 * `FUZZ=1000000 npm test -- --grep fuzz` runs more; `FUZZ_SEED` repeats a run.
 */
const INPUTS = Number(process.env.FUZZ ?? 100_000);
const HANDSHAKES = Number(process.env.FUZZ_HANDSHAKES ?? Math.ceil(INPUTS / 100));
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

const INTERESTING = [0, 1, 2, 4, 5, 6, 7, 8, 0x7f, 0x80, 0xff];

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(out.length + 1);
    switch (random(6)) {
      case 0:
        if (at < out.length) out[at] = random(256);
        break;
      case 1:
        if (at < out.length) out[at] = INTERESTING[random(INTERESTING.length)] ?? 0;
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + random(20))]);
        break;
      case 3:
        out = Buffer.concat([
          out.subarray(0, at),
          Buffer.from(Array.from({ length: random(20) }, () => random(256))),
          out.subarray(at),
        ]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), out.subarray(0, random(out.length + 1)), out.subarray(at)]);
        break;
      default:
        out = out.subarray(0, at);
    }
  }
  return out;
}

/** What a well-behaved peer says, each way and for each mechanism without keys. */
async function conversations(): Promise<{ toServer: Buffer; toClient: Buffer; plain: boolean }[]> {
  const found = [];
  for (const plain of [false, true]) {
    const client = plain ? clientEnd({ mechanism: "plain", user: "u", password: "p" }) : clientEnd();
    const server = serverEnd({ null: true, plain: () => "u" });
    const said = { client: [] as Buffer[], server: [] as Buffer[] };
    const record = (bytes: Buffer, from: "client" | "server"): Buffer => {
      said[from].push(bytes);
      return bytes;
    };
    await exchange(client, server, record);
    for (const one of [client, server]) {
      one.session.send([Buffer.from("a"), Buffer.alloc(300), Buffer.alloc(0)]);
      one.session.ping();
    }
    await exchange(client, server, record);
    found.push({ toServer: Buffer.concat(said.client), toClient: Buffer.concat(said.server), plain });
  }
  return found;
}

function feed(end: End, bytes: Buffer, random: (below: number) => number): void {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random(bytes.length);
    end.session.receive(bytes.subarray(at, at + size));
    at += size;
  }
}

function check(end: End, what: string): void {
  if (end.failure) expect(["PROTOCOL", "ACCESS_DENIED", "UNAVAILABLE"], what).to.include(end.failure.code);
  if (!end.peer) expect(end.messages, what).to.have.length(0);
}

describe(`ZMTP against a fuzzer (seed ${SEED})`, function () {
  this.timeout(Math.max(60_000, INPUTS));

  it(`survives ${INPUTS} mutated conversations`, async () => {
    const random = generator(SEED);
    const talks = await conversations();
    let whole = 0;
    let refused = 0;
    for (let run = 0; run < INPUTS; run++) {
      const talk = talks[random(talks.length)];
      if (!talk) continue;
      const asServer = random(2) === 0;
      const end = asServer
        ? serverEnd({ null: true, plain: (user) => (user.length > 0 ? "u" : undefined) }, 1_000)
        : clientEnd(talk.plain ? { mechanism: "plain", user: "u", password: "p" } : { mechanism: "null" }, 1_000);
      feed(end, mutate(asServer ? talk.toServer : talk.toClient, random), random);
      // Checks of credentials settle in microtasks.
      if (talk.plain && asServer) await new Promise(setImmediate);
      check(end, `run ${run}`);
      if (end.failure) refused++;
      else if (end.peer) whole++;
    }
    // The mutations reach both sides of every decision, or the fuzzer would prove nothing.
    expect(whole).to.be.greaterThan(INPUTS / 100);
    expect(refused).to.be.greaterThan(INPUTS / 100);
  });

  it(`takes nothing but subscriptions from ${INPUTS} mutated subscribers`, () => {
    const random = generator(SEED);
    const talk = Buffer.concat([
      ...[greeting(), ready("SUB"), frame(0, "\x01one"), frame(0, "\x00one"), frame(1, "\x01"), frame(0, "more")],
      ...[
        command("SUBSCRIBE", "two"),
        command("CANCEL", "two"),
        frame(0, `\x01${"x".repeat(4_096)}`),
        frame(0, "other"),
      ],
    ]);
    let subscriptions = 0;
    let refused = 0;
    for (let run = 0; run < INPUTS; run++) {
      const end = publishingEnd(10_000);
      feed(end, mutate(talk, random), random);
      check(end, `run ${run}`);
      if (end.failure) refused++;
      if (!end.peer?.subscribes) continue;
      for (const [prefix, ...more] of end.messages) {
        subscriptions++;
        if (more.length === 0 && prefix && (prefix[0] ?? 2) < 2 && prefix.length <= 4_097) continue;
        expect.fail(`run ${run} took ${more.length + 1} frames, the first of ${prefix?.length ?? 0} octets`);
      }
    }
    expect(subscriptions).to.be.greaterThan(INPUTS / 100);
    expect(refused).to.be.greaterThan(INPUTS / 100);
  });

  it(`lets nobody past ${HANDSHAKES} CURVE handshakes that somebody tampers with`, async () => {
    const random = generator(SEED);
    const keys = generateKeyPair();
    const clientKeys = generateKeyPair();
    for (let run = 0; run < HANDSHAKES; run++) {
      const server = serverEnd({ curve: { keys, admit: () => "u" } });
      const client = clientEnd({ mechanism: "curve", keys: clientKeys, serverKey: keys.publicKey });
      const target = random(4);
      let packets = 0;
      let tampered = false;
      await exchange(client, server, (bytes) => {
        // Greetings carry nothing secret; what follows them is what is tampered with.
        if (packets++ < 3 || packets - 4 !== target || bytes.length < 8) return bytes;
        tampered = true;
        const changed = Buffer.from(bytes);
        const at = 2 + random(changed.length - 2);
        changed[at] = (changed[at] ?? 0) ^ (1 + random(255));
        return changed;
      });
      check(server, `run ${run}`);
      check(client, `run ${run}`);
      // A changed byte of either end's words never leads to two ends that both believe they are done.
      expect(client.peer !== undefined && server.peer !== undefined, `run ${run}, packet ${target}`).to.equal(
        !tampered,
      );
    }
  });
});
