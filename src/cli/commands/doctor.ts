import { Client } from "../../client/client.js";
import type { ServiceInfo } from "../../peer/nameserver-interface.js";
import { parseAddress, probe, transportInfo } from "../../transport/index.js";
import { CommandError, EXIT } from "../exit.js";
import type { LogOptions } from "../log.js";
import { nameserverSetting } from "../settings.js";

/** `lamplighter doctor`: what is here, what is wrong, and the fix. */
export async function doctorCommand(flags: LogOptions & { readonly nameserver?: string }): Promise<void> {
  const report = (good: boolean, text: string, fix?: string): void => {
    process.stdout.write(`${good ? "ok   " : "WRONG"} ${text}\n${fix === undefined ? "" : `      fix: ${fix}\n`}`);
  };
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const nodeFits = major > 20 || (major === 20 && minor >= 19);
  report(nodeFits, `node ${process.versions.node}`, nodeFits ? undefined : "install Node.js 20.19 or later");
  const transport = transportInfo();
  report(true, `zeromq.js, libzmq ${transport.version} on ${process.platform} ${process.arch}`);
  const capabilities = Object.entries(transport.capabilities).filter(([, has]) => has);
  report(true, `capabilities: ${capabilities.map(([name]) => name).join(" ") || "none"}`);
  const nameserver = nameserverSetting(flags.nameserver);
  const reachable = await askNameserver(nameserver, report);
  if (!nodeFits) throw new CommandError("This machine is not fit yet", EXIT.refused);
  if (!reachable) throw new CommandError("The nameserver cannot be used", EXIT.unreachable);
}

async function askNameserver(
  nameserver: string,
  report: (good: boolean, text: string, fix?: string) => void,
): Promise<boolean> {
  const { text } = parseAddress(nameserver);
  const found = await probe(text, 2_000);
  if (found !== "listening") {
    const what = found === "refused" ? "nothing listens there" : "it cannot be reached";
    report(false, `nameserver ${text}: ${what}`, "start one with: lamplighter nameserver, or name another with -n");
    return false;
  }
  await using client = new Client({ nameserver: text, retry: false, timeoutMs: 3_000 });
  try {
    const services = (await client.nameserverComponent().invoke("list_services")) as ServiceInfo[];
    report(true, `nameserver ${text}: ${services.length} services registered`);
    return true;
  } catch (error) {
    report(
      false,
      `nameserver ${text}: ${(error as Error).message}`,
      "something else listens there, or the nameserver hangs: look at that process, or name another address with -n",
    );
    return false;
  }
}
