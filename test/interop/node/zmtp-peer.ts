/**
 * A peer of libzmq through zeromq.js for the ZMTP interoperability matrix; the twin of ../python/zmtp_peer.py.
 *
 * `zmtp-peer.ts serve|ask SOCKET MECHANISM ADDRESS KEYS`
 */
import { createHash } from "node:crypto";
import { Dealer, Reply, Request, Router } from "zeromq";
import { clientSecurity, type Keys, serverSecurity } from "./zmtp-security.js";

const [, , role, kind, mechanism = "", address = "", keyText = "{}"] = process.argv;
const keys = JSON.parse(keyText) as Keys;
const SIZES = [0, 1, 127, 128, 254, 255, 256, 257, 8191, 8192, 65_535, 65_536, 1 << 20, 64 << 20];

if (role === "serve") await serve();
else await ask();

async function serve(): Promise<void> {
  const security = await serverSecurity(mechanism, keys);
  const socket = kind === "REP" ? new Reply({ linger: 0, ...security }) : new Router({ linger: 0, ...security });
  await socket.bind(address);
  say(`ready ${socket.lastEndpoint ?? ""}`);
  for await (const frames of socket) await socket.send(frames);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function ask(): Promise<void> {
  const security = clientSecurity(mechanism, keys);
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
