/** `npm run screenshot`: starts a few services, calls them for a while, and writes docs/images/dashboard.png. */
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { Client, defineInterface, Host, NameserverHost, RemoteError } from "../../src/index.js";
import { launch } from "./browser.js";
import { serveDashboard } from "./dashboard-server.js";

const SECONDS = Number(process.env.SECONDS ?? 75);
const dark = process.argv.includes("--dark");
const small = process.argv.includes("--small");
const file = process.argv[2]?.endsWith(".png") ? process.argv[2] : "docs/images/dashboard.png";

const nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
await nameserver.start();
const hosts: Host[] = [];

async function provide(service: string, name: string, ms: number): Promise<Host> {
  const host = new Host({ nameserver: nameserver.address, service });
  const work = async (length = ms): Promise<string> => {
    await sleep(length * (0.5 + Math.random() ** 4 * 4));
    return "done";
  };
  host.provide(
    defineInterface(name, {
      methods: {
        get: () => work(),
        list: () => work(ms * 3),
        order: async () => {
          await work();
          if (Math.random() < 0.1) throw new RemoteError("Out of stock", { number: 100500 });
          return "ordered";
        },
      },
    }),
  );
  await host.start();
  hosts.push(host);
  return host;
}

const orders = await provide("/shop/orders/1", "shop.orders", 3);
await provide("/shop/orders/2", "shop.orders", 3);
await provide("/shop/stock", "shop.stock", 1);
await provide("/shop/mail", "shop.mail", 12);
const leaving = await provide("/shop/search", "shop.search", 2);
let published = 0;
const topics = () => [
  { topic: "orders.new", published },
  { topic: "orders.paid", published: Math.floor(published / 3) },
];
orders.addStats("publications", () => [
  {
    interface: "shop.events",
    topics: topics(),
    subscribers: [
      {
        id: "mail-1",
        user: "mail",
        topics: ["orders"],
        policy: "drop-oldest",
        delivered: published,
        dropped: 0,
        queued: 0,
      },
      {
        id: "search-7",
        user: "search",
        topics: ["orders.new"],
        policy: "block",
        delivered: published,
        dropped: 12,
        queued: 3,
      },
    ],
  },
]);

const client = new Client({ nameserver: nameserver.address, balance: "random" });
const stop = new AbortController();
const callers = ["shop.orders", "shop.stock", "shop.mail", "shop.search"].flatMap((name, kind) =>
  Array.from({ length: 3 }, async () => {
    const remote = client.component(name);
    for (let turn = 0; !stop.signal.aborted; turn++) {
      published++;
      const method = turn % 7 === 0 ? "list" : turn % 3 === 0 ? "order" : "get";
      await remote.invoke(method, null, { timeoutMs: 500, waitForMs: 0 }).catch(() => sleep(50));
      await sleep(Math.random() * 20 * (1.3 + Math.sin(performance.now() / 9_000 + kind)));
    }
  }),
);

const server = await serveDashboard(nameserver.address);
const browser = await launch();
const page = await browser.newPage({
  viewport: small ? { width: 390, height: 1400 } : { width: 1080, height: 1000 },
  colorScheme: dark ? "dark" : "light",
});
await page.goto(`${server.url}/dashboard`);
await sleep(SECONDS * 800);
await leaving.close();
await page.getByRole("button", { name: "/shop/orders/1" }).click();
await sleep(SECONDS * 200);
await page.mouse.move(300, 300);
mkdirSync("docs/images", { recursive: true });
await page.screenshot({ path: file });
stop.abort();
await Promise.all(callers);
await browser.close();
await server.close();
await client.close();
for (const host of hosts) await host.close();
await nameserver.close();
