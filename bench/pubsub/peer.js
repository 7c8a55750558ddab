/**
 * One side of the benchmark of publish and subscribe: `peer.js KIND publisher` prints where it is, `peer.js KIND subscriber ADDRESS
 * SUBSCRIBERS PAYLOAD` subscribes and prints `ready`. The publisher publishes as many messages as a line of standard input says; the
 * subscribers print how long the messages took when each has all of them: milliseconds from the first to the last.
 */
import { createInterface } from "node:readline";

const NAME = "bench.publications";
/** Messages that are written in one turn of the event loop, for all peers. */
const BURST = 1_000;
const PAYLOADS = {
  bytes: () => new Uint8Array(32).fill(7),
  object: () => ({ a: 42, b: "hello", c: [1, 2, 3] }),
};
const [kind, role, address, subscribers, payload] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Publishes in bursts; `flush` is what the peer has to do between them. */
async function publishAll(count, message, publish, flush) {
  for (let sent = 0; sent < count; sent += BURST) {
    for (let burst = Math.min(BURST, count - sent); burst > 0; burst--) publish(message);
    await flush();
  }
}

/** Counts what arrives; says how long it took when all subscribers have all. */
function counter(count) {
  let missing = 0;
  let startedAt = 0;
  return {
    expect(messages) {
      missing = messages * count;
      startedAt = 0;
    },
    got(value) {
      if (value === undefined) throw new Error("nothing arrived");
      if (startedAt === 0) startedAt = performance.now();
      if (--missing === 0) say(`done ${performance.now() - startedAt}`);
    },
  };
}

const PEERS = {
  async ours() {
    const { Client, Host, publisher, subscriber } = await import("../../build/index.js");
    return {
      async publisher() {
        const numbers = publisher(NAME, { maxHeld: 1_000_000 });
        const host = new Host({ address: "tcp://127.0.0.1:0", nameserver: false });
        host.provide(numbers);
        await host.start();
        let last;
        return [
          host.address,
          (message) => {
            last = numbers.publish(message);
          },
          async () => {
            await last;
            await turn();
          },
        ];
      },
      async subscriber(got) {
        const one = subscriber(NAME, {
          client: new Client({ nameserver: address }),
          address,
          policy: "block",
          buffer: 50_000,
        });
        await one.ready;
        void one.forEach(got);
      },
    };
  },

  async zeromq() {
    const { Publisher, Subscriber } = await import("zeromq");
    const { Packr } = await import("msgpackr");
    const packr = new Packr({ useRecords: false });
    return {
      async publisher() {
        const socket = new Publisher({ sendHighWaterMark: 0, sendTimeout: 0 });
        await socket.bind("tcp://127.0.0.1:*");
        let batch = [];
        return [
          socket.lastEndpoint,
          (message) => batch.push(message),
          async () => {
            const sent = packr.pack(batch);
            batch = [];
            socket.send([NAME, sent]).catch(() => undefined);
            await turn();
          },
        ];
      },
      async subscriber(got) {
        const socket = new Subscriber({ receiveHighWaterMark: 0 });
        socket.connect(address);
        socket.subscribe(NAME);
        void (async () => {
          for (;;) {
            const [, packed] = await socket.receive();
            for (const message of packr.unpack(packed)) got(message);
          }
        })();
        // A bare SUB socket does not know when it has subscribed.
        await new Promise((resolve) => setTimeout(resolve, 300));
      },
    };
  },

  async nats() {
    const { connect, JSONCodec } = await import("nats");
    const json = JSONCodec();
    const isBytes = (payload ?? process.argv[4]) === "bytes";
    return {
      async publisher() {
        const server = process.argv[4];
        const connection = await connect({ servers: server });
        let codec = (message) => (message instanceof Uint8Array ? message : json.encode(message));
        return [
          server,
          (message) => {
            connection.publish(NAME, codec(message));
          },
          () => connection.flush(),
        ];
      },
      async subscriber(got) {
        const connection = await connect({ servers: address });
        connection.subscribe(NAME, {
          callback: (_error, message) => got(isBytes ? message.data : json.decode(message.data)),
        });
        await connection.flush();
      },
    };
  },
};

process.once("SIGINT", () => process.exit());
const peer = await PEERS[kind]();
if (role === "publisher") {
  const [where, publish, flush] = await peer.publisher();
  say(`ready ${where}`);
  for await (const line of createInterface(process.stdin)) {
    const [count, what] = line.split(" ");
    await publishAll(Number(count), PAYLOADS[what](), publish, flush);
  }
} else {
  const count = counter(Number(subscribers));
  for (let index = 0; index < Number(subscribers); index++) await peer.subscriber(count.got);
  say("ready");
  for await (const line of createInterface(process.stdin)) {
    count.expect(Number(line));
    say("expecting");
  }
}
