import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyFolder } from "../../src/index.js";

/** Makes folders with new keys, which are removed after each test. */
export function useKeys(): () => KeyFolder {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  return () => {
    const path = mkdtempSync(join(tmpdir(), "lamplighter-keys-"));
    folders.push(path);
    return KeyFolder.generate(join(path, "keys"));
  };
}
