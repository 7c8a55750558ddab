import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A way between a client and a host that a test can block, one way at a time, and break. */
export class WeakLink {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [near: Socket, far: Socket]>();
  #target: string;
  #blocked = { requests: false, answers: false };

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((near) => {
      const { hostname, port } = new URL(this.#target);
      const far = connect(Number(port), hostname);
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      near.on("data", (chunk) => this.#blocked.requests || far.write(chunk));
      far.on("data", (chunk) => this.#blocked.answers || near.write(chunk));
      for (const socket of pair) {
        socket.on("error", () => undefined);
        socket.on("close", () => {
          // Node.js never closes a socket that is destroyed while it is on its way to be reset.
          if (this.#pairs.delete(pair)) for (const other of pair) other.destroy();
        });
      }
    });
  }

  /** Listens on a free port. */
  static async to(target: string): Promise<WeakLink> {
    const link = new WeakLink(target);
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  /** Where clients connect to. */
  get address(): string {
    return `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What goes this way vanishes from now on. */
  block(way: "requests" | "answers"): void {
    this.#blocked[way] = true;
  }

  /** Breaks every connection; later ones go through, to another address if one is given. */
  break(target: string = this.#target): void {
    this.#blocked = { requests: false, answers: false };
    this.#target = target;
    const broken = [...this.#pairs];
    this.#pairs.clear();
    for (const [near, far] of broken) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Breaks every connection and takes no more. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.break();
    await closed;
  }
}
