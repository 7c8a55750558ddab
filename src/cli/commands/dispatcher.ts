import { configurator } from "../../pubsub/nodes/configurator.js";
import { Dispatcher } from "../../pubsub/nodes/dispatcher.js";
import { usageError } from "../exit.js";
import { createLogger, type LogOptions } from "../log.js";
import { runHost } from "../run-host.js";
import { durationSetting, keysSetting } from "../settings.js";

/** Flags of `lamplighter dispatcher`. */
export interface DispatcherFlags extends LogOptions {
  readonly address?: string;
  readonly advertise?: string;
  readonly nameserver?: string;
  readonly service?: string;
  readonly keys?: string;
  readonly label?: string;
  readonly link?: readonly string[];
  readonly heartbeat?: string;
  readonly limit?: string;
}

/** `lamplighter dispatcher` */
export async function dispatcherCommand(flags: DispatcherFlags): Promise<void> {
  const log = createLogger(flags);
  // Each step of the routing, as the original has it.
  configurator.set("verbose", flags.verbose === true);
  const dispatcher = new Dispatcher({
    ...(flags.address !== undefined && { address: flags.address }),
    advertise: flags.advertise,
    nameserver: flags.nameserver ?? false,
    service: flags.service,
    security: keysSetting(flags.keys),
    label: flags.label,
    links: linksOf(flags.link ?? []),
    heartbeatMs: durationSetting("--heartbeat", flags.heartbeat),
    limitMs: durationSetting("--limit", flags.limit),
    log,
    onEvent: (event) => {
      const { name, address } = event.node;
      const where = address === undefined ? "" : ` (${address})`;
      // That one is gone the dispatcher tells the log itself.
      if (event.type === "joined") log.info(`${name}${where} has come`);
    },
  });
  await runHost(dispatcher, log);
}

function linksOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, label, address] = /^([^=/@]+)=(.+)$/.exec(text) ?? [];
      if (label === undefined || address === undefined) {
        throw usageError(`--link wants LABEL=ADDRESS, such as other=tcp://10.0.0.2:5333, got ${text}`);
      }
      return [label, address];
    }),
  );
}
