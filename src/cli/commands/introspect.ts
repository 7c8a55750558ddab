import { type Contract, fromIntrospection, type MethodContract } from "../../peer/contract.js";
import { type ClientFlags, createClient } from "../client.js";
import { bold } from "../table.js";

/** Flags of `lamplighter introspect`. */
export interface IntrospectFlags extends ClientFlags {
  readonly json?: boolean;
}

/** `lamplighter introspect INTERFACE` */
export async function introspectCommand(interfaceName: string, flags: IntrospectFlags): Promise<void> {
  await using client = createClient(flags);
  const introspection = await client.component(interfaceName).introspect();
  process.stdout.write(`${flags.json ? JSON.stringify(introspection) : describe(fromIntrospection(introspection))}\n`);
}

function describe(contract: Contract): string {
  const lines = [bold(contract.name) + (contract.host?.stateful ? " (stateful)" : "")];
  if (contract.docstring !== null) lines.push(contract.docstring);
  for (const method of contract.methods.values()) {
    lines.push("", `  ${signature(method)}`);
    if (method.docstring !== null) lines.push(`      ${method.docstring}`);
  }
  return lines.join("\n");
}

function signature(method: MethodContract): string {
  const typed = (name: string): string => {
    const type = name === method.incoming ? (method.stream ? "stream of bytes" : "bytes") : method.types[name];
    return type === undefined ? name : `${name}: ${type}`;
  };
  const declared = [...method.required.map(typed), ...method.optional.map((name) => `${typed(name)}?`)];
  const args = declared.length === 0 ? "value?" : declared.join(", ");
  const results = method.results.length === 0 ? "" : ` -> ${method.results.join(", ")}`;
  const marks = [...(method.idempotent ? ["idempotent"] : []), ...(method.once ? ["once"] : [])];
  return `${bold(method.name)}(${args})${results}${marks.map((mark) => `  [${mark}]`).join("")}`;
}
