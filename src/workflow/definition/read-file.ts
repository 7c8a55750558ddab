import { open } from "node:fs/promises";
import { extname } from "node:path";
import { findJsonFault } from "./json-fault.js";
import { DefinitionError, type DefinitionProblem } from "./problems.js";

/** Largest file of a definition, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024;

/**
 * Reads the definition in a file: JSON, or YAML 1.2 if its name ends in `.yaml` or `.yml`. What it says is not checked yet.
 *
 * @throws DefinitionError if there is no such file, if it is larger than 10 MiB, is no text, or is not what its name says; with line and column
 */
export async function readWorkflowFile(file: string): Promise<unknown> {
  const kind = extname(file).toLowerCase();
  if (kind !== ".json" && kind !== ".yaml" && kind !== ".yml") {
    throw fault(file, "", "is neither JSON nor YAML by its name", "call it .json, .yaml or .yml");
  }
  const text = await readText(file);
  return kind === ".json" ? parseJson(text, file) : await parseYaml(text, file);
}

async function readText(file: string): Promise<string> {
  const bytes = await readBytes(file).catch((error: unknown) => {
    if (error instanceof DefinitionError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw fault(file, "", "there is no such file", "correct its name", error);
    throw fault(file, "", `cannot be read: ${(error as Error).message}`, "let this process read it", error);
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw fault(file, "", "is no text in UTF-8", "save it as UTF-8", error);
  }
}

async function readBytes(file: string): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    if (!(await handle.stat()).isFile()) throw fault(file, "", "is no file", "name a file");
    // It may grow while it is read, so its size says nothing.
    const buffer = new Uint8Array(MAX_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
    throw fault(file, "", `is larger than ${MAX_BYTES} bytes`, "make several definitions of it");
  } finally {
    await handle.close();
  }
}

function parseJson(text: string, file: string): unknown {
  const found = findJsonFault(text);
  if (found) throw fault(file, placeOf(text, found.offset), found.message, found.cure);
  return JSON.parse(text) as unknown;
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  if (isDeep(text)) throw fault(file, "", `is nested more than ${MAX_OPEN} deep`, "write it less deep");
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { merge: true, prettyErrors: false, logLevel: "error", uniqueKeys: true });
  const problems: DefinitionProblem[] = [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    const cure = YAML_CURES.get(code) ?? "correct it; text with braces in it stands in quotes";
    return { file, path: placeOf(text, pos[0]), message, cure };
  });
  if (problems.length > 0) throw new DefinitionError(problems.slice(0, 10));
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw fault(file, "", (error as Error).message, "write what the alias stands for in its place", error);
  }
}

const YAML_CURES: ReadonlyMap<string, string> = new Map([
  ["DUPLICATE_KEY", "give one of them another name"],
  ["MULTIPLE_DOCS", "make a file of each document"],
  ["TAG_RESOLVE_FAILED", "remove the tag"],
  ["TAB_AS_INDENT", "indent with blanks"],
]);

/** Brackets within texts count as well; but nobody writes so many that do not close. The parser would take minutes for them. */
function isDeep(text: string): boolean {
  let open = 0;
  for (const [sign] of text.matchAll(/[[\]{}]/g)) {
    open += sign === "[" || sign === "{" ? 1 : -1;
    if (open > MAX_OPEN) return true;
  }
  return false;
}

const MAX_OPEN = 1000;

function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

function fault(file: string, path: string, message: string, cure: string, cause?: unknown): DefinitionError {
  return new DefinitionError([{ file, path, message, cure }], { cause });
}
