import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type NameserverHost, WorkflowHost, type WorkflowHostOptions } from "../../src/index.js";
import { type Mesh, useMesh } from "./mesh.js";

/** Options of a workflow service that a test starts; the rest is made up. */
export type StartOptions = Partial<WorkflowHostOptions>;

/** Workflow services for tests, with a folder for their files; all of it is gone after each test. */
export interface Workflows extends Mesh {
  /** A file in the folder. */
  file(name: string): string;
  /** The nameserver of the test, started when it is asked for first. */
  meeting(): Promise<NameserverHost>;
  /** Starts a workflow service that has the journal `runs.db`, and is called `/demo/workflow`. */
  workflows(options?: StartOptions): Promise<WorkflowHost>;
  /** A client at the nameserver of the test. */
  caller(): Promise<Client>;
}

/** See {@link Workflows}. */
export function useWorkflows(): Workflows {
  let folder = "";
  let nameserver: Promise<NameserverHost> | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-workflow-"));
    nameserver = undefined;
  });
  const mesh = useMesh();
  // After all that is open in it is closed.
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const meeting = (): Promise<NameserverHost> => (nameserver ??= mesh.nameserver());
  const file = (name: string): string => join(folder, name);
  return {
    ...mesh,
    file,
    meeting,
    async workflows(options = {}) {
      const host = mesh.own(
        new WorkflowHost({
          service: "/demo/workflow",
          journal: file("runs.db"),
          nameserver: (await meeting()).address,
          ...options,
        }),
      );
      await host.start();
      return host;
    },
    caller: async () => mesh.client({ nameserver: (await meeting()).address }),
  };
}
