import { currentCall } from "lamplighter";
import { Server } from "lamplighter/pseud";

/** What clients of this server call. */
export interface Shop {
  hello(name: string): string;
  readonly please: { order(item: string, ...rest: unknown[]): string };
  readonly portrait: { of(user: string): string };
}

/** What this server calls of its clients. */
export interface Artist {
  readonly draw: { readonly me: { readonly a: { sheep(): string } } };
}

const server = new Server({
  id: "shop",
  security: "plain",
  users: { alice: "s3cret", bob: "" },
  onEvent: ({ type, ...event }) => {
    if ("peer" in event) console.log(`${type} ${event.peer.user}`);
  },
});

server.register((name: string) => `Hello ${name}`, { name: "hello" });
// By keyword too, for its parameters have names.
server.register((item: string, copies = 1) => `${copies} × ${item} for ${currentCall().caller?.name ?? "nobody"}`, {
  name: "please.order",
  params: ["item", "copies"],
});
// The user who is drawn for is called while the caller waits; that may be the caller itself.
server.register((user: string) => server.sendTo<Artist>(user).draw.me.a.sheep(), { name: "portrait.of" });

console.log(`ready ${await server.bind(process.argv[2] ?? "tcp://127.0.0.1:5555")}`);
process.once("SIGTERM", () => void server.stop());
process.once("SIGINT", () => void server.stop());
