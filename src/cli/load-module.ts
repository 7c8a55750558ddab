import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isProvidable, type Provided } from "../peer/exposed/definition.js";
import { hasProviders, isProvider } from "../service/provider.js";
import { usageError } from "./exit.js";
import { findPackage } from "./find-package.js";

/**
 * Loads a module and returns what it exports that can be provided: a path from the current folder, else a package.
 * TypeScript goes through tsx where that is installed.
 *
 * @throws CommandError with status 2 that names the module and what is wrong
 */
export async function loadProvided(name: string): Promise<Provided[]> {
  const provided = findProvided(await loadModule(name));
  if (provided.length === 0) {
    throw usageError(
      `The module ${name} exports no interface: export a class with @Interface, an instance of one, a defineInterface value, or a publisher`,
    );
  }
  return provided;
}

/**
 * Loads a module and returns all that it exports; see {@link loadProvided}.
 *
 * @throws CommandError with status 2 that names the module and what is wrong
 */
export async function loadModule(name: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(name);
  const file = existsSync(path) ? path : findPackage(name, process.cwd());
  if (file === undefined) {
    throw usageError(`There is no module ${name}: neither a file ${path} nor a package of that name`);
  }
  if (TYPESCRIPT.includes(extname(file))) await registerTypeScript(name, file);
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw usageError(`The module ${name} cannot be loaded: ${text}`, error);
  }
}

/** What a module exports that can be provided, each once. */
export function findProvided(exports: Readonly<Record<string, unknown>>): Provided[] {
  const found = new Set<Provided>();
  for (const value of Object.values(exports)) {
    if (isProvidable(value) || isProvider(value) || hasProviders(value)) found.add(value as Provided);
  }
  // A class and its only instance are one service: the instance says more.
  for (const value of [...found]) {
    if (typeof value !== "function") found.delete(value.constructor);
  }
  return [...found];
}

const TYPESCRIPT = [".ts", ".mts", ".cts"];

/** tsx of the project that the command runs in, or of the one that the module belongs to. */
async function registerTypeScript(name: string, file: string): Promise<void> {
  try {
    // Beside the twin for require() that is found like this; that one cannot register in Node 20.
    const fromProject = createRequire(import.meta.url)
      .resolve("tsx/esm/api", { paths: [process.cwd(), dirname(file)] })
      .replace(/\.cjs$/, ".mjs");
    const tsx = (await import(pathToFileURL(fromProject).href)) as { register: () => unknown };
    tsx.register();
  } catch (error) {
    throw usageError(`The module ${name} is TypeScript, and tsx is not installed here: npm install tsx`, error);
  }
}
