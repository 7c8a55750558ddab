import type { ServiceInfo } from "../../peer/nameserver-interface.js";
import { parseAddress, probe, transportInfo } from "../../transport/index.js";
import { type ClientFlags, createClient } from "../client.js";
import { CommandError, EXIT } from "../exit.js";
import { nameserverSetting } from "../settings.js";

/** `lamplighter doctor`: what is here, what is wrong, and the fix. */
export async function doctorCommand(flags: ClientFlags): Promise<void> {
  const nodeFits = checkNode();
  const transportFits = checkTransport();
  const nameserverFits = transportFits && (await checkNameserver(flags));
  if (!nodeFits || !transportFits) throw new CommandError("This installation is not fit yet", EXIT.refused);
  if (!nameserverFits) throw new CommandError("The nameserver cannot be used", EXIT.unreachable);
}

function checkNode(): boolean {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split(".").map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  return fits ? well(`node ${node}`) : wrong(`node ${node}`, "install Node.js 20.19 or later");
}

function checkTransport(): boolean {
  const machine = `${process.platform} ${process.arch}`;
  try {
    const { version, capabilities } = transportInfo();
    const names = Object.keys(capabilities).filter((name) => capabilities[name]);
    well(`zeromq.js, libzmq ${version} on ${machine}`);
    return well(`capabilities: ${names.join(" ") || "none"}`);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return wrong(
      `zeromq.js does not load on ${machine}: ${text}`,
      "npm rebuild zeromq; where no binary fits this machine, that compiles one and wants a C++ compiler and CMake",
    );
  }
}

async function checkNameserver(flags: ClientFlags): Promise<boolean> {
  const { text } = parseAddress(nameserverSetting(flags.nameserver));
  const found = await probe(text, PATIENCE_MS);
  if (found !== "listening") {
    const what = found === "refused" ? "nothing listens there" : "it cannot be reached";
    return wrong(
      `nameserver ${text}: ${what}`,
      `start one with: lamplighter nameserver -a ${text}, or name another with -n or LAMPLIGHTER_NAMESERVER`,
    );
  }
  await using client = createClient({ ...flags, nameserver: text }, PATIENCE_MS);
  try {
    const services = (await client.nameserverComponent().invoke("list_services")) as ServiceInfo[];
    well(`nameserver ${text}: ${services.length} services registered`);
    for (const { service, address, interfaces } of services)
      print(`        ${service} ${address} ${interfaces.join(" ")}`);
    return true;
  } catch (error) {
    return wrong(
      `nameserver ${text}: ${(error as Error).message}`,
      "something else listens there, or the nameserver hangs: look at that process, or name another address with -n",
    );
  }
}

/** For the nameserver to be reached, and again for its answer. */
const PATIENCE_MS = 3_000;

function well(text: string): true {
  print(`ok    ${text}`);
  return true;
}

function wrong(text: string, fix: string): false {
  print(`WRONG ${text}`);
  print(`      fix: ${fix}`);
  return false;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
