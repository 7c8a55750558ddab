import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isProvidable, type Provided } from "../service/definition.js";
import { usageError } from "./exit.js";

/**
 * Loads a module and returns what it exports that can be provided: a path from the current folder, else a package.
 * TypeScript goes through tsx where that is installed.
 *
 * @throws CommandError with status 2 that names the module and what is wrong
 */
export async function loadProvided(name: string): Promise<Provided[]> {
  const path = resolve(name);
  const isFile = existsSync(path);
  const url = isFile ? pathToFileURL(path).href : resolvePackage(name, path);
  if ([".ts", ".mts", ".cts"].includes(extname(url))) await registerTypeScript(name);
  let exports: Record<string, unknown>;
  try {
    exports = (await import(url)) as Record<string, unknown>;
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw usageError(`The module ${name} cannot be loaded: ${text}`, error);
  }
  const provided = findProvided(exports);
  if (provided.length === 0) {
    throw usageError(
      `The module ${name} exports no interface: export a class with @Interface, an instance of one, or a defineInterface value`,
    );
  }
  return provided;
}

/** What a module exports that can be provided, each once. */
export function findProvided(exports: Readonly<Record<string, unknown>>): Provided[] {
  const found = new Set<Provided>();
  for (const value of Object.values(exports)) if (isProvidable(value)) found.add(value);
  // A class and its only instance are one service: the instance says more.
  for (const value of [...found]) {
    if (typeof value !== "function") found.delete(value.constructor);
  }
  return [...found];
}

function resolvePackage(name: string, path: string): string {
  try {
    return pathToFileURL(createRequire(`${process.cwd()}/`).resolve(name)).href;
  } catch (error) {
    throw usageError(`There is no module ${name}: neither a file ${path} nor a package of that name`, error);
  }
}

async function registerTypeScript(name: string): Promise<void> {
  try {
    // Beside the twin for require() that is found like this; that one cannot register in Node 20.
    const fromProject = createRequire(`${process.cwd()}/`)
      .resolve("tsx/esm/api")
      .replace(/\.cjs$/, ".mjs");
    const tsx = (await import(pathToFileURL(fromProject).href)) as { register: () => unknown };
    tsx.register();
  } catch (error) {
    throw usageError(`The module ${name} is TypeScript, and tsx is not installed here: npm install tsx`, error);
  }
}
