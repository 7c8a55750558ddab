import { once } from "node:events";
import { NodeCollection } from "../../pubsub/nodes/collection.js";
import { DEFAULT_DISPATCHER } from "../../pubsub/nodes/configurator.js";
import { NodeMessage } from "../../pubsub/nodes/message.js";
import { Node } from "../../pubsub/nodes/node.js";
import type { NodeOptions } from "../../pubsub/nodes/node-options.js";
import { usageError } from "../exit.js";
import { interrupted } from "../interrupted.js";
import { loadModule } from "../load-module.js";
import { createLogger, type LogOptions } from "../log.js";
import { printLine } from "../print-line.js";
import { runHost, type Servable } from "../run-host.js";
import { keysSetting } from "../settings.js";

/** Flags of `lamplighter node`. */
export interface NodeFlags extends LogOptions {
  readonly dispatcherUrl?: string;
  readonly name?: string;
  readonly listen?: string;
  readonly keys?: string;
  readonly event?: readonly string[];
  readonly payload?: string;
  readonly direct?: boolean;
  readonly once?: boolean;
}

/** `lamplighter node subscriber`, `lamplighter node publisher`, `lamplighter node MODULE` */
export async function nodeCommand(what: string, flags: NodeFlags): Promise<void> {
  const log = createLogger(flags);
  const dispatcher = flags.dispatcherUrl ?? DEFAULT_DISPATCHER;
  const options: NodeOptions = {
    dispatcher,
    name: flags.name ?? (what === "subscriber" || what === "publisher" ? `simple-${what}` : undefined),
    security: keysSetting(flags.keys),
    log,
    ...listenOf(flags.listen),
  };
  const events = flags.event ?? ["simple_event"];
  switch (what) {
    case "subscriber": {
      const node = new PrintingNode(options);
      const unread = once(interrupted(), "abort");
      await runHost(servable([node], dispatcher), log, async () => {
        await Promise.all(events.map((event) => node.subscribe(event)));
        log.info(`subscribed to ${events.join(", ")}`);
        await Promise.race(flags.once === true ? [node.first, unread] : [unread]);
      });
      break;
    }
    case "publisher": {
      const node = new Node(options);
      await runHost(servable([node], dispatcher), log, async () => {
        for (const event of events) await node.publishMessage(event, messageOf(flags));
        log.info(`published ${events.join(", ")}`);
        if (flags.once !== true) await new Promise(() => undefined);
      });
      break;
    }
    default:
      await runHost(servable(await loadNodes(what), dispatcher), log);
  }
}

/** Prints what comes: the message's JSON, one line each. */
class PrintingNode extends Node {
  readonly first: Promise<void>;
  #came: () => void = () => undefined;

  constructor(options: NodeOptions) {
    super(options);
    this.first = new Promise((resolve) => {
      this.#came = resolve;
    });
  }

  override async onEvent(_uri: string, message: NodeMessage): Promise<void> {
    await printLine(message.toJson());
    this.#came();
  }
}

/** Nodes are ready when they have reached their dispatcher, which is what `ready` then names. */
function servable(nodes: readonly (Node | NodeCollection)[], dispatcher: string): Servable {
  return {
    address: dispatcher,
    start: () => Promise.all(nodes.map((node) => node.start())),
    close: async () => {
      await Promise.all(nodes.map((node) => node.close()));
    },
  };
}

/** The nodes, collections, and classes of nodes that a module exports, each once. */
async function loadNodes(module: string): Promise<(Node | NodeCollection)[]> {
  const found = new Set<Node | NodeCollection>();
  for (const value of Object.values(await loadModule(module))) {
    if (value instanceof Node || value instanceof NodeCollection) found.add(value);
    else if (typeof value === "function" && value.prototype instanceof Node) found.add(new (value as new () => Node)());
  }
  const alone = [...found].filter((one) => !(one instanceof Node) || !one.isMember);
  if (alone.length > 0) return alone;
  throw usageError(
    `The module ${module} exports no node: export a class that extends Node, an instance of one, or a NodeCollection`,
  );
}

function messageOf({ payload, direct }: NodeFlags): NodeMessage {
  const message = new NodeMessage();
  message.setAttribute("payload", payload ?? null);
  if (direct) message.set("_delivery_mode", "direct");
  return message;
}

function listenOf(text: string | undefined): Pick<NodeOptions, "host" | "port"> {
  if (text === undefined) return {};
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined) throw usageError(`--listen wants HOST:PORT, such as 127.0.0.1:5444, got ${text}`);
  return { host, port: Number(port) };
}
