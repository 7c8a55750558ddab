// Bare zeromq.js as its README shows it: one message a call, awaited sends, `for await`, JSON. But for one thing: with the
// default high-water mark a ROUTER drops answers when many calls are in flight.
import { Dealer, Router } from "zeromq";

const UNBOUNDED = { sendHighWaterMark: 0, receiveHighWaterMark: 0 };

export async function serve() {
  const router = new Router(UNBOUNDED);
  await router.bind("tcp://127.0.0.1:*");
  void (async () => {
    for await (const frames of router) await router.send(frames);
  })();
  return router.lastEndpoint;
}

export async function connect(address) {
  const dealer = new Dealer(UNBOUNDED);
  dealer.connect(address);
  const pending = new Map();
  let id = 0;
  let last = Promise.resolve();
  void (async () => {
    for await (const [answer, value, bytes] of dealer) {
      const key = String(answer);
      pending.get(key)(bytes ?? JSON.parse(String(value)));
      pending.delete(key);
    }
  })();
  const call = (...frames) =>
    new Promise((resolve) => {
      const key = String(++id);
      pending.set(key, resolve);
      // A second send while one waits is refused.
      last = last.then(() => dealer.send([key, ...frames]));
    });
  return {
    small: (value) => call(JSON.stringify(value)),
    bytes: (bytes) => call("", bytes),
  };
}
