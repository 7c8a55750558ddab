import { BadRequestError, rpcError } from "../errors.js";
import { currentCall } from "../peer/call-context.js";
import { defineInterface, type InterfaceDefinition } from "../peer/exposed/definition.js";
import type { ServiceInfo } from "../peer/nameserver-interface.js";
import { instanceKey, NAMESERVER_INTERFACE, pycomEndpoint, readRecord, type ServiceRecord } from "../peer/record.js";
import type { Logger } from "../util/log.js";
import type { ChangeLog } from "./change-log.js";
import { compilePattern } from "./pattern.js";
import type { RecordAccess } from "./record-access.js";
import type { RegistrationDesk } from "./registration-desk.js";
import type { Registry } from "./registry.js";

/** What the interface works on. */
export interface NameserverParts {
  /** What is known. */
  readonly registry: Registry;
  /** Who may have a name. */
  readonly desk: RegistrationDesk;
  /** What has changed. */
  readonly changes: ChangeLog;
  /** Chance, for `locate`. */
  readonly random: () => number;
  /** Who may register what; absent: everybody everything. */
  readonly registration: RecordAccess | undefined;
  /** Who sees what; absent: everybody everything. */
  readonly visibility: RecordAccess | undefined;
  /** Told of what was refused. */
  readonly log: Logger;
}

/**
 * `org.pycom.nameserver`: PyCOM's four methods exactly (docs/pycom-wire.md, section 14), and beyond them `find`, `renew`,
 * `unregister` and `watch`, which PyCOM's peers never call.
 */
export function nameserverInterface(parts: NameserverParts): InterfaceDefinition {
  const { registry, desk, changes, random, registration, visibility, log } = parts;

  /** Those of the records that the caller may see; the others are as if they were not there. */
  const seen = async (records: ServiceRecord[]): Promise<ServiceRecord[]> =>
    visibility ? await visibility.filter(currentCall().caller, records) : records;

  const sees = async (record: ServiceRecord): Promise<boolean> => (await seen([record])).length > 0;

  const mayRegister = async (record: ServiceRecord): Promise<boolean> =>
    registration === undefined || (await registration.permits(currentCall().caller, record));

  const locate = async (name: string, service: string | null | undefined, tags: unknown): Promise<ServiceInfo> => {
    const query = { interface: name, service: service ?? undefined, tags: optionalTexts(tags, "tags") };
    const providers = (await seen(registry.find(query))).flatMap(toServiceInfo);
    const chosen = providers[Math.floor(random() * providers.length)];
    if (chosen) return chosen;
    const what = service === undefined || service === null ? name : `${name} (service ${service})`;
    throw rpcError("SERVICE_NOT_FOUND", `Interface not found: ${what}`, { outcome: "executed" });
  };

  const listServices = async (
    interfacePattern: string | null | undefined,
    servicePattern: string | null | undefined,
  ) => {
    const byInterface =
      interfacePattern === undefined || interfacePattern === null ? undefined : compilePattern(interfacePattern);
    const byService =
      servicePattern === undefined || servicePattern === null ? undefined : compilePattern(servicePattern);
    // What may not be seen costs no steps of the pattern either.
    return (await seen(registry.list()))
      .filter((record) => !byService || byService(record.service))
      .filter((record) => !byInterface || record.interfaces.some(byInterface))
      .flatMap(toServiceInfo);
  };

  const find = async (
    name: string,
    service: string | null | undefined,
    tags: unknown,
    exclude: unknown,
    waitMs: number | undefined,
  ): Promise<ServiceRecord[]> => {
    const query = { interface: name, service: service ?? undefined, tags: optionalTexts(tags, "tags") };
    const excluded = new Set(optionalTexts(exclude, "exclude"));
    const { signal } = currentCall();
    const endsAt = performance.now() + clampWait(waitMs);
    for (;;) {
      const { count } = changes;
      const records = await seen(registry.find(query));
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0 || records.some((record) => !excluded.has(instanceKey(record)))) return records;
      if (!(await changes.next(count, leftMs, signal))) return await seen(registry.find(query));
    }
  };

  const watch = async (since: string | null | undefined, waitMs: number | undefined): Promise<unknown> => {
    const { signal } = currentCall();
    const endsAt = performance.now() + clampWait(waitMs);
    let cursor = since ?? undefined;
    for (let isLast = false; ; ) {
      const { count } = changes;
      const batch = changes.since(cursor);
      const told = visibility ? await visibility.changes(currentCall().caller, batch.changes) : batch.changes;
      const leftMs = endsAt - performance.now();
      if (batch.reset || told.length > 0 || leftMs <= 0 || isLast) {
        return { ...batch, changes: told.map(({ type, record }) => ({ type, record })) };
      }
      cursor = batch.cursor;
      isLast = !(await changes.next(count, leftMs, signal));
    }
  };

  const register = async (...values: unknown[]): Promise<Record<string, unknown>> => {
    const [address, interfaces, service, incarnation, leaseMs, lease, tags, data, endpoints] = values;
    requireTexts(interfaces, "interfaces");
    const record = readRecord({ address, interfaces, service, incarnation, tags, data, endpoints });
    if (!record) throw new BadRequestError("The record needs address, interfaces and service");
    for (const name of [record.service, ...record.interfaces]) {
      if (name.length > MAX_NAME_CHARS) {
        throw new BadRequestError(`A name has ${name.length} characters, the limit is ${MAX_NAME_CHARS}`);
      }
    }
    const size = JSON.stringify(record).length;
    if (size > MAX_RECORD_CHARS)
      throw new BadRequestError(`The record has ${size} characters, the limit is ${MAX_RECORD_CHARS}`);
    const owner = currentCall().caller?.name;
    if (!(await mayRegister(record))) {
      log.warn(
        `${owner ?? "Somebody unknown"} was refused to register ${record.service}: ${record.interfaces.join(", ")}`,
      );
      const who = owner ?? "Who does not prove who it is";
      throw rpcError("ACCESS_DENIED", `${who} may not register ${record.service} with these interfaces here`, {
        outcome: "not-executed",
      });
    }
    const given = await desk.register({
      record,
      owner,
      sees,
      leaseMs: typeof leaseMs === "number" ? Math.min(MAX_LEASE_MS, Math.max(MIN_LEASE_MS, leaseMs)) : undefined,
      lease: typeof lease === "string" ? lease : undefined,
    });
    return given === undefined ? {} : { lease: given };
  };

  const renewOne = async (service: unknown, lease: unknown): Promise<boolean> => {
    if (typeof service !== "string" || typeof lease !== "string") return false;
    const record = registry.get(service)?.record;
    if (!record || !(await mayRegister(record))) return false;
    return desk.renew(service, lease, currentCall().caller?.name);
  };

  const renew = async (leases: unknown): Promise<{ unknown: string[] }> => {
    if (!Array.isArray(leases)) throw new BadRequestError("args.leases must be an array");
    const unknown: string[] = [];
    for (const entry of leases as readonly unknown[]) {
      const { service, lease } = (entry ?? {}) as { service?: unknown; lease?: unknown };
      if (!(await renewOne(service, lease))) unknown.push(String(service));
    }
    return { unknown };
  };

  const unregister = async (service: string, lease: string): Promise<Record<string, never>> => {
    const record = registry.get(service)?.record;
    try {
      desk.unregister(service, lease, currentCall().caller?.name);
    } catch (error) {
      if (!record || (await sees(record))) throw error;
    }
    return {};
  };

  return defineInterface(NAMESERVER_INTERFACE, {
    authentication: "never",
    doc: "Tells where services are.",
    methods: {
      stat: { doc: "Answers if the nameserver is alive.", idempotent: true, run: () => ({}) },
      register: {
        doc: "Registers a service for the length of its lease, 60 s if none is named.",
        params: {
          address: "string",
          interfaces: "array",
          service: "string",
          "incarnation?": "string",
          "lease_ms?": "number",
          "lease?": "string",
          "tags?": "array",
          "data?": "object",
          "endpoints?": "array",
        },
        run: register,
      },
      locate: {
        doc: "One provider of an interface, chosen at random.",
        params: { interface: "string", "service?": undefined, "tags?": "array" },
        idempotent: true,
        run: (name: string, service: unknown, tags: unknown) => locate(name, optionalText(service, "service"), tags),
      },
      list_services: {
        doc: "All services that match regular expressions, anchored at the first character.",
        params: ["interface?", "service?"],
        idempotent: true,
        run: (first: unknown, second: unknown) =>
          listServices(optionalText(first, "interface"), optionalText(second, "service")),
      },
      find: {
        doc: "All providers with everything known of them; waits for one that is not excluded.",
        params: {
          interface: "string",
          "service?": undefined,
          "tags?": "array",
          "exclude?": "array",
          "wait_ms?": "number",
        },
        idempotent: true,
        run: (name: string, service: unknown, tags: unknown, exclude: unknown, waitMs: number | undefined) =>
          find(name, optionalText(service, "service"), tags, exclude, waitMs),
      },
      renew: {
        doc: "Begins leases anew; names those that are not known here.",
        params: { leases: "array" },
        idempotent: true,
        run: renew,
      },
      unregister: {
        doc: "Removes a service, by whoever holds its lease.",
        params: { service: "string", lease: "string" },
        idempotent: true,
        run: unregister,
      },
      watch: {
        doc: "Changes since a cursor; waits for one.",
        params: { "since?": undefined, "wait_ms?": "number" },
        idempotent: true,
        run: (since: unknown, waitMs: number | undefined) => watch(optionalText(since, "since"), waitMs),
      },
    },
  });
}

/** Longest name of a service or interface. */
const MAX_NAME_CHARS = 1_000;
/** Largest record, as JSON. */
const MAX_RECORD_CHARS = 65_536;
/** Bounds of a lease, in milliseconds. */
const MIN_LEASE_MS = 1_000;
const MAX_LEASE_MS = 3_600_000;
/** Longest wait of `find` and `watch`, in milliseconds. */
const MAX_WAIT_MS = 60_000;

function clampWait(waitMs: number | undefined): number {
  return Math.min(MAX_WAIT_MS, Math.max(0, waitMs ?? 0));
}

/**
 * What PyCOM's peers see: records that speak their wire, at an address they can use. What a PyCOM service registered is
 * shown as it said it.
 */
function toServiceInfo(record: ServiceRecord): ServiceInfo[] {
  const { service, interfaces } = record;
  if (record.incarnation === undefined) return [{ address: record.address, service, interfaces }];
  const endpoint = pycomEndpoint(record.endpoints);
  return endpoint ? [{ address: endpoint.address, service, interfaces }] : [];
}

function optionalText(value: unknown, name: string): string | null | undefined {
  if (value === undefined || value === null || typeof value === "string") return value;
  throw new BadRequestError(`The argument args.${name} must be a string or null, got ${typeof value}`);
}

function optionalTexts(value: unknown, name: string): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  requireTexts(value, name);
  return value as string[];
}

function requireTexts(value: unknown, name: string): void {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return;
  throw new BadRequestError(`The argument args.${name} must be an array of strings`);
}
