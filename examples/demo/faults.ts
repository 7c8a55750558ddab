import { setTimeout as pause } from "node:timers/promises";
import type { DemoMesh, Member } from "./mesh.js";

/** Something that goes wrong, and is mended again. */
export interface Fault {
  readonly name: string;
  /** How often it happens in the soak, against the others; default 1. */
  readonly weight?: number;
  readonly strike: (mesh: DemoMesh, random: () => number) => Promise<void>;
}

/** Faults of the soak, by name; the demo shows some of them. */
export const FAULTS: readonly Fault[] = [
  {
    name: "kill -9 of a provider",
    strike: async (mesh, random) => {
      await restart(pick(mesh.providers, random), "SIGKILL");
    },
  },
  {
    name: "kill -9 of both providers",
    strike: async (mesh) => {
      await Promise.all(mesh.providers.map((provider) => restart(provider, "SIGKILL")));
    },
  },
  {
    name: "kill -9 of the nameserver",
    strike: async (mesh) => {
      await restart(mesh.nameserver, "SIGKILL");
    },
  },
  {
    name: "draining of a provider",
    strike: async (mesh, random) => {
      await restart(pick(mesh.providers, random), "SIGTERM");
    },
  },
  {
    name: "a provider stopped for a moment",
    strike: async (mesh, random) => {
      await stopFor(pick(mesh.providers, random), 100 + random() * 300);
    },
  },
  {
    // Its connections are given up meanwhile, and what it had received by then it still executes afterwards.
    name: "a provider stopped until it is given up",
    weight: 0.3,
    strike: async (mesh, random) => {
      await stopFor(pick(mesh.providers, random), 5_500 + random() * 1_000);
    },
  },
  {
    name: "kill -9 of a provider, again while it starts",
    strike: async (mesh, random) => {
      const provider = pick(mesh.providers, random);
      await provider.signal("SIGKILL");
      // Whether it was ready by then is left to chance.
      const starting = provider.start().catch(() => undefined);
      await pause(random() * 400);
      await provider.signal("SIGKILL");
      await starting;
      await provider.start();
    },
  },
  {
    name: "the nameserver stopped for a moment",
    strike: async (mesh, random) => {
      await stopFor(mesh.nameserver, 100 + random() * 300);
    },
  },
  {
    name: "kill -9 of a provider while the nameserver is stopped",
    strike: async (mesh, random) => {
      const provider = pick(mesh.providers, random);
      await mesh.nameserver.signal("SIGSTOP");
      await provider.signal("SIGKILL");
      const starting = provider.start();
      await pause(100 + random() * 900);
      await mesh.nameserver.signal("SIGCONT");
      await starting;
    },
  },
  {
    name: "kill -9 of nameserver and a provider",
    strike: async (mesh, random) => {
      await Promise.all([restart(mesh.nameserver, "SIGKILL"), restart(pick(mesh.providers, random), "SIGKILL")]);
    },
  },
];

/** One of the faults by chance, as often as their weights say. */
export function anyFault(random: () => number): Fault {
  let left = random() * FAULTS.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const found = FAULTS.find(({ weight = 1 }) => {
    left -= weight;
    return left < 0;
  });
  if (!found) throw new Error("There is no fault to choose");
  return found;
}

async function stopFor(member: Member, ms: number): Promise<void> {
  await member.signal("SIGSTOP");
  await pause(ms);
  await member.signal("SIGCONT");
}

async function restart(member: Member, signal: NodeJS.Signals): Promise<void> {
  await member.signal(signal);
  await member.start();
}

function pick(members: readonly Member[], random: () => number): Member {
  const member = members[Math.floor(random() * members.length)];
  if (!member) throw new Error("There is nobody to strike");
  return member;
}
