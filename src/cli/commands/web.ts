import { createWriteStream, readFileSync } from "node:fs";
import { accessLog } from "../../gateway/access-log.js";
import { hmacVerifier } from "../../gateway/events/hmac-verifier.js";
import { WebGateway } from "../../gateway/web-gateway.js";
import { DEFAULT_DISPATCHER } from "../../pubsub/nodes/configurator.js";
import type { ClientFlags } from "../client.js";
import { usageError } from "../exit.js";
import { createLogger } from "../log.js";
import { runHost } from "../run-host.js";
import { durationSetting, keysSetting, nameserverSetting } from "../settings.js";

/** Flags of `lamplighter web`. */
export interface WebFlags extends ClientFlags {
  readonly address?: string;
  readonly port?: string;
  readonly dispatcherUrl?: string;
  readonly allow?: readonly string[];
  readonly origin?: readonly string[];
  readonly host?: readonly string[];
  readonly path?: string;
  readonly verifySecret?: string;
  readonly logfile?: string;
  readonly interval?: string;
}

/** `lamplighter web` */
export async function webCommand(flags: WebFlags): Promise<void> {
  const log = createLogger(flags);
  const address = addressOf(flags);
  const verifier =
    flags.verifySecret === undefined ? undefined : hmacVerifier({ secret: secretOf(flags.verifySecret) });
  const dispatcher = flags.dispatcherUrl ?? DEFAULT_DISPATCHER;
  const written = flags.logfile === undefined ? undefined : createWriteStream(flags.logfile, { flags: "a" });
  written?.on("error", (error) => {
    log.warn(`The access log ${flags.logfile ?? ""} cannot be written: ${error.message}`);
  });
  const gateway = new WebGateway({
    nameserver: nameserverSetting(flags.nameserver),
    security: keysSetting(flags.keys),
    dispatcher,
    monitor: true,
    monitorIntervalMs: durationSetting("--interval", flags.interval),
    verifier,
    log,
    allow: flags.allow,
    origins: flags.origin,
    hosts: flags.host,
    path: flags.path,
    ...(written && { handlers: [accessLog((line) => written.write(`${line}\n`))] }),
  });
  let url = "";
  await runHost(
    {
      get address() {
        return url;
      },
      start: async () => {
        url = await gateway.listen(address);
        log.info(`the dashboard is ${url}/dashboard, events come from ${dispatcher}`);
      },
      close: async () => {
        await gateway.close();
        written?.end();
      },
    },
    log,
  );
}

function addressOf({ address, port }: WebFlags): string | undefined {
  if (port === undefined) return address;
  if (address !== undefined) throw usageError("--port and --address say the same; give one of them");
  if (!/^\d{1,5}$/.test(port)) throw usageError(`--port wants a number, got ${port}`);
  return `127.0.0.1:${port}`;
}

/** In a file, for command lines can be read by every user of the machine. */
function secretOf(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw usageError(`The secret cannot be read from ${file}: ${(error as Error).message}`);
  }
  if (text === "") throw usageError(`The file ${file} has no secret in it`);
  return text;
}
