/**
 * A peer of libzmq through zeromq.js that subscribes or publishes; the twin of ../python/zmtp_pubsub.py.
 *
 * `zmtp-pubsub.ts subscribe|publish SOCKET MECHANISM ADDRESS KEYS`
 */
import { createHash } from "node:crypto";
import { Publisher, Subscriber, XPublisher, XSubscriber } from "zeromq";
import { clientSecurity, type Keys, serverSecurity } from "./zmtp-security.js";

const [, , role, kind, mechanism = "", address = "", keyText = "{}"] = process.argv;
const keys = JSON.parse(keyText) as Keys;
const SIZES = [0, 1, 254, 255, 256, 8192, 65_535, 65_536];

if (role === "subscribe") await subscribe();
else await publish();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function subscribe(): Promise<void> {
  const options = { linger: 0, receiveTimeout: 20_000, ...clientSecurity(mechanism, keys) };
  const socket = kind === "XSUB" ? new XSubscriber(options) : new Subscriber(options);
  const want = async (prefix: string, wanted: boolean): Promise<void> => {
    if (socket instanceof XSubscriber) await socket.send(`${wanted ? "\x01" : "\x00"}${prefix}`);
    else if (wanted) socket.subscribe(prefix);
    else socket.unsubscribe(prefix);
  };
  socket.connect(address);
  await want("a", true);
  await want("a", true);
  await want("control", true);
  for (;;) {
    const [topic, body = Buffer.alloc(0)] = await socket.receive();
    if (String(topic) !== "control") {
      say(`got ${String(topic)} ${body.length} ${createHash("sha256").update(body).digest("hex")}`);
      continue;
    }
    if (String(body) === "end") break;
    await want("a", false);
    await want("a", false);
    say("cancelled");
  }
  socket.close();
}

async function publish(): Promise<void> {
  const options = { linger: 0, ...(await serverSecurity(mechanism, keys)) };
  const socket = kind === "XPUB" ? new XPublisher(options) : new Publisher(options);
  await socket.bind(address);
  say(`ready ${socket.lastEndpoint ?? ""}`);
  if (socket instanceof XPublisher) void hear(socket);
  for (let count = 0; ; count++) {
    const body = Buffer.alloc(SIZES[count % SIZES.length] ?? 0);
    await socket.send(["a", String(count), body]);
    await socket.send(["b", String(count), body]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function hear(socket: XPublisher): Promise<void> {
  for (;;) {
    const [told = Buffer.alloc(0)] = await socket.receive();
    say(`told ${told[0] ?? ""} ${String(told.subarray(1))}`);
  }
}
