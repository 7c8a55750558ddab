import { setTimeout as pause } from "node:timers/promises";
import type { DemoMesh, Member } from "./mesh.js";

/** Something that goes wrong, and is mended again. */
export interface Fault {
  readonly name: string;
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
      const provider = pick(mesh.providers, random);
      await provider.signal("SIGSTOP");
      await pause(100 + random() * 300);
      await provider.signal("SIGCONT");
    },
  },
  {
    name: "kill -9 of nameserver and a provider",
    strike: async (mesh, random) => {
      await Promise.all([restart(mesh.nameserver, "SIGKILL"), restart(pick(mesh.providers, random), "SIGKILL")]);
    },
  },
];

async function restart(member: Member, signal: NodeJS.Signals): Promise<void> {
  await member.signal(signal);
  await member.start();
}

function pick(members: readonly Member[], random: () => number): Member {
  const member = members[Math.floor(random() * members.length)];
  if (!member) throw new Error("There is nobody to strike");
  return member;
}
