/** `npm run screenshot:workflows`: runs a few workflows, and writes docs/images/workflows.png. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Client,
  defineInterface,
  Host,
  NameserverHost,
  RemoteError,
  WebGateway,
  WorkflowHost,
  workflow,
} from "../../src/index.js";
import { launch } from "./browser.js";

const dark = process.argv.includes("--dark");
const small = process.argv.includes("--small");
const file = process.argv[2]?.endsWith(".png") ? process.argv[2] : "docs/images/workflows.png";

const folder = mkdtempSync(join(tmpdir(), "lamplighter-picture-"));
const nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
await nameserver.start();
const { address } = nameserver;
const shop = new Host({ nameserver: address, service: "/shop/1", drainTimeoutMs: 1 });
const answers = (
  name: string,
  methods: Readonly<Record<string, (given: { readonly order: number }) => unknown>>,
): void => {
  shop.provide(defineInterface(name, { methods }));
};
answers("shop.stock", {
  reserve: async ({ order }) => {
    await sleep(12);
    if (order === 102) throw new RemoteError("Out of stock");
    return { reserved: order };
  },
  release: () => null,
});
answers("shop.price", { of: () => sleep(8, { price: 42 }) });
answers("shop.customers", { get: () => sleep(79, { name: "Ann" }), credit: () => sleep(600, { isGood: true }) });
answers("shop.parcel", { pack: () => sleep(40, { isPacked: true }) });
// What is sent and never answered may have been executed.
answers("shop.card", { charge: ({ order }) => (order === 106 ? sleep(60_000, null) : sleep(20, { paid: order })) });
answers("shop.mail", { send: () => null });
await shop.start();

const service = new WorkflowHost({
  service: "/shop/workflow",
  nameserver: address,
  journal: join(folder, "runs.db"),
  drainTimeoutMs: 1,
  definitions: {
    tasks: {
      order: [
        {
          name: "reserve",
          interface: "shop.stock",
          method: "reserve",
          input: "${input}",
          compensate: { interface: "shop.stock", method: "release", input: "${given}" },
        },
        {
          name: "look",
          parallel: {
            price: { interface: "shop.price", method: "of", input: "${input}" },
            customer: [
              { interface: "shop.customers", method: "get", input: "${input}" },
              { interface: "shop.customers", method: "credit" },
            ],
          },
        },
        { name: "pack", map: "${input.items}", steps: [{ interface: "shop.parcel", method: "pack" }] },
        { name: "charge", interface: "shop.card", method: "charge", input: "${input}", timeoutMs: 400 },
        {
          name: "gift",
          when: { exists: "input.gift" },
          then: { interface: "shop.mail", method: "send" },
          else: { name: "check", wait: { approval: "Ship order ${input.order}?", choices: ["yes", "no"] } },
        },
        { name: "mail", interface: "shop.mail", method: "send" },
      ],
    },
  },
});
await service.start();
const client = new Client({ nameserver: address });
const w = workflow("/shop/workflow", { client });
for (let order = 100; order <= 106; order++) {
  const gift = order === 103 ? {} : { gift: true };
  await w.start({ task: "order", id: `order-${order}`, input: { order, items: ["lamp", "oil", "wick"], ...gift } });
  await sleep(300);
}
while ((await w.info({ run: "order-106" })).state !== "asking") await sleep(50);

const gateway = new WebGateway({ nameserver: address, monitor: true, drainMs: 100 });
const url = await gateway.listen("127.0.0.1:0");
const browser = await launch();
const page = await browser.newPage({
  viewport: small ? { width: 390, height: 1400 } : { width: 1080, height: 1000 },
  colorScheme: dark ? "dark" : "light",
});
await page.goto(`${url}/dashboard`);
await page.getByRole("button", { name: "order-106" }).click();
await page.locator("#run-chain .step").first().waitFor();
await page.locator("#workflows").screenshot({ path: file });
await browser.close();
await gateway.close();
await client.close();
await service.close();
await shop.close();
await nameserver.close();
rmSync(folder, { recursive: true });
