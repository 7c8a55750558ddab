// This package as it comes: contract, deadline, retry, sessions, concurrency limit.
import { Client, defineInterface, Host } from "../../../build/index.js";

export async function serve(transport = "zmtp") {
  const host = new Host({ nameserver: false, transport });
  host.provide(
    defineInterface("bench.echo", {
      methods: {
        echo: (value) => value,
        count: async function* (to) {
          for (let n = 0; n < to; n++) yield n;
        },
      },
    }),
  );
  await host.start();
  return host.address;
}

export async function connect(address, wire = "lamp", transport = "zmtp") {
  const client = new Client({ maxInFlightBytes: 2 ** 31, transport });
  const remote = client.connect(address, "bench.echo", { wire });
  return {
    small: (value) => remote.echo(value),
    bytes: (bytes) => remote.echo(bytes),
    count: (to) => remote.count(to),
    idle: (many) => Array.from({ length: many }, () => client.connect(address, "bench.echo", { wire })),
  };
}
