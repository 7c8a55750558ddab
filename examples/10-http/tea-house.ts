// A service that knows nothing of HTTP, and a gateway beside it.
import { defineInterface, Host, NameserverHost, RemoteError, WebGateway } from "lamplighter";

const teaHouse = defineInterface("com.example.teahouse", {
  doc: "Sells tea.",
  methods: {
    order: {
      params: { tea: "string", "cups?": "integer" },
      doc: "What the tea costs, in cents.",
      run: (tea: string, cups = 1) => {
        if (tea === "coffee") throw new RemoteError("This is a tea house", { number: 418 });
        return { tea, cups, cents: 250 * cups };
      },
    },
    async *brew(cups: number) {
      for (let cup = 1; cup <= cups; cup++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        yield { cup, ready: true };
      }
    },
    label: {
      params: ["text", "picture"],
      attachments: { incoming: "picture", outgoing: "label" },
      results: ["bytes", "label"],
      run: (text: string, picture: Uint8Array) => {
        const label = Buffer.concat([picture, Buffer.from(` ${text}`)]);
        return { bytes: label.length, label };
      },
    },
  },
});

const nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
await nameserver.start();
const host = new Host({ nameserver: nameserver.address, service: "/com/example/teahouse/1" });
host.provide(teaHouse);
await host.start();
const gateway = new WebGateway({ nameserver: nameserver.address, allow: "com.example.*", title: "Tea house" });
console.log(`ready ${await gateway.listen(process.argv[2])}`);

process.once("SIGTERM", () => {
  void gateway
    .close()
    .then(() => host.close())
    .then(() => nameserver.close());
});
