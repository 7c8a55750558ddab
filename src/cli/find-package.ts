import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * The file that a package, or `package/part`, names as seen from a folder; `undefined` when there is none.
 *
 * `require.resolve` knows the whole of Node's rules but not packages that offer an `import` condition only, and
 * `import.meta.resolve` looks from this file and from nowhere else; so the second half of the search is made here.
 */
export function findPackage(name: string, folder: string): string | undefined {
  const require = createRequire(join(folder, "/"));
  try {
    return require.resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") return undefined;
  }
  const [, packageName = "", part = ""] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(name) ?? [];
  const home = require.resolve
    .paths(name)
    ?.map((modules) => join(modules, packageName))
    .find((candidate) => existsSync(join(candidate, "package.json")));
  if (home === undefined) return undefined;
  const { exports } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { exports?: unknown };
  const target = importTarget(entryOf(exports, `.${part}`));
  return target === undefined ? undefined : join(home, target);
}

/** `exports` lists its entries, or is itself the one entry `.`. */
function entryOf(exports: unknown, path: string): unknown {
  const lists = isRecord(exports) && Object.keys(exports).every((key) => key.startsWith("."));
  if (lists) return exports[path];
  return path === "." ? exports : undefined;
}

/** The first condition that holds for `import`, as Node picks it. */
function importTarget(entry: unknown): string | undefined {
  if (typeof entry === "string") return entry;
  if (!isRecord(entry)) return undefined;
  for (const [condition, inner] of Object.entries(entry)) {
    const target = CONDITIONS.includes(condition) ? importTarget(inner) : undefined;
    if (target !== undefined) return target;
  }
  return undefined;
}

const CONDITIONS = ["node", "import", "module-sync", "default"];

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
