import {
  Dispatcher,
  type DispatcherOptions,
  Node,
  type NodeGap,
  NodeMessage,
  type NodeOptions,
} from "../../src/compat/nodeset/index.js";
import { Client } from "../../src/index.js";
import { until } from "./until.js";

/** What came to a node, in order: the address and the attribute `n`, or `payload`. */
export class Recorder extends Node {
  readonly events: { readonly uri: string; readonly message: NodeMessage }[] = [];
  readonly gaps: NodeGap[] = [];

  override onEvent(uri: string, message: NodeMessage): unknown {
    this.events.push({ uri, message });
    return undefined;
  }

  override onGap(gap: NodeGap): void {
    this.gaps.push(gap);
  }

  /** An attribute of all that came. */
  seen(name = "n"): unknown[] {
    return this.events.map(({ message }) => (message.has(name) ? message.get(name) : undefined));
  }

  /** Settles when so many events have come. */
  async came(count: number): Promise<void> {
    await until(() => this.events.length >= count);
  }
}

/** A message with a number. */
export class Numbered extends NodeMessage {
  static readonly attributes = { n: 0 };
  declare n: number;
}

/** What a test opens is closed after it, in the opposite order. */
export interface Nodes {
  /** Starts a dispatcher on a free port. */
  dispatcher(options?: DispatcherOptions): Promise<Dispatcher>;
  /** Makes a node of the dispatcher that was started last, and starts it, unless its options say another place. */
  node<T extends Node = Recorder>(
    name: string,
    options?: NodeOptions,
    nodeClass?: new (options: NodeOptions) => T,
  ): Promise<T>;
  /** Whatever else has to be closed. */
  own<T extends { close(): unknown }>(resource: T): T;
}

/** Dispatchers and nodes on real sockets. */
export function useNodes(): Nodes {
  const open: { close(): unknown }[] = [];
  let address = "";
  afterEach(async () => {
    for (const resource of open.splice(0).reverse()) await resource.close();
  });
  const own = <T extends { close(): unknown }>(resource: T): T => {
    open.push(resource);
    return resource;
  };
  return {
    own,
    async dispatcher(options = {}) {
      const dispatcher = await own(new Dispatcher({ address: "tcp://127.0.0.1:0", ...options })).start();
      ({ address } = dispatcher);
      return dispatcher;
    },
    async node<T extends Node = Recorder>(
      name: string,
      options: NodeOptions = {},
      // Who names no class gets this one.
      nodeClass: new (options: NodeOptions) => T = Recorder as unknown as new (
        options: NodeOptions,
      ) => T,
    ) {
      return await own(new nodeClass({ dispatcher: address, name, ...options })).start();
    },
  };
}

/** A line of a table, short: `node@host/event`. */
export function lineOf({
  node,
  host,
  event,
}: {
  readonly node: string;
  readonly host: string;
  readonly event: string;
}): string {
  return `${node}@${host}/${event}`;
}

/** What a dispatcher in another process answers. */
export interface RemoteDispatcher {
  get_stats(): string;
  get_table(): { readonly node: string; readonly host: string; readonly event: string; readonly incarnation: string }[];
  get_nodes(): { readonly name: string; readonly queuedBytes: number }[];
}

/** Asks a dispatcher for its table; sorted, for its order says who is next. */
export async function tableAt(address: string): Promise<string[]> {
  await using client = new Client({ nameserver: "tcp://127.0.0.1:1" });
  const table = await client.connect<RemoteDispatcher>(address, "lamplighter.dispatcher", { wire: "lamp" }).get_table();
  return table.map(lineOf).sort();
}
