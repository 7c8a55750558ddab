/**
 * A peer of libzmq through zeromq.js for the ZMTP interoperability matrix; the twin of ../python/zmtp_peer.py.
 *
 * `zmtp-peer.ts serve|ask SOCKET MECHANISM ADDRESS KEYS`
 */
import { createHash } from "node:crypto";
import { Dealer, Reply, Request, Router } from "zeromq";

const [, , role, kind, mechanism, address = "", keyText = "{}"] = process.argv;
const keys = JSON.parse(keyText) as Record<
  "server_public" | "server_secret" | "client_public" | "client_secret" | "admitted",
  string
>;
const SIZES = [0, 1, 127, 128, 254, 255, 256, 257, 8191, 8192, 65_535, 65_536, 1 << 20, 64 << 20];

if (role === "serve") await serve();
else await ask();

async function serve(): Promise<void> {
  if (mechanism !== "null") await authenticate();
  const security =
    mechanism === "plain"
      ? { plainServer: true, zapDomain: "test" }
      : mechanism === "curve"
        ? {
            curveServer: true,
            curvePublicKey: keys.server_public,
            curveSecretKey: keys.server_secret,
            zapDomain: "test",
          }
        : {};
  const socket = kind === "REP" ? new Reply({ linger: 0, ...security }) : new Router({ linger: 0, ...security });
  await socket.bind(address);
  say(`ready ${socket.lastEndpoint ?? ""}`);
  for await (const frames of socket) await socket.send(frames);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Answers libzmq's questions about credentials (RFC 27). */
async function authenticate(): Promise<void> {
  const socket = new Reply();
  await socket.bind("inproc://zeromq.zap.01");
  void (async () => {
    for await (const [version = "", request = "", , , , , first, second] of socket) {
      const admitted =
        mechanism === "plain"
          ? String(first) === "alice" && String(second) === "pa55"
          : z85(first ?? Buffer.alloc(0)) === keys.admitted;
      await socket.send([
        version,
        request,
        admitted ? "200" : "400",
        admitted ? "OK" : "no",
        admitted ? "alice" : "",
        "",
      ]);
    }
  })();
}

async function ask(): Promise<void> {
  const security =
    mechanism === "plain"
      ? { plainUsername: "alice", plainPassword: "pa55" }
      : mechanism === "curve"
        ? { curveServerKey: keys.server_public, curvePublicKey: keys.client_public, curveSecretKey: keys.client_secret }
        : {};
  const options = { linger: 0, receiveTimeout: 20_000, ...security };
  const socket = kind === "REQ" ? new Request(options) : new Dealer(options);
  socket.connect(address);
  let count = 0;
  for (const size of SIZES) {
    const body = Buffer.alloc(size, createHash("sha256").update(String(size)).digest());
    await socket.send(["head", "", body]);
    const echoed = await socket.receive();
    if (echoed.length !== 3 || Buffer.compare(echoed[2] ?? Buffer.alloc(1), body) !== 0) {
      say(`failed at ${size}`);
      process.exit(1);
    }
    count++;
  }
  say(`ok ${count}`);
  socket.close();
}

function z85(bytes: Uint8Array): string {
  const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    let value = Buffer.from(bytes).readUInt32BE(at);
    let group = "";
    for (let index = 0; index < 5; index++) {
      group = (digits[value % 85] ?? "") + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}
