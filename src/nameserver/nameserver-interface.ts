import { BadRequestError, rpcError } from "../errors.js";
import { currentCall } from "../peer/call-context.js";
import { defineInterface, type InterfaceDefinition } from "../peer/exposed/definition.js";
import type { ServiceInfo } from "../peer/nameserver-interface.js";
import { instanceKey, NAMESERVER_INTERFACE, pycomEndpoint, readRecord, type ServiceRecord } from "../peer/record.js";
import type { ChangeLog } from "./change-log.js";
import { compilePattern } from "./pattern.js";
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
}

/**
 * `org.pycom.nameserver`: PyCOM's four methods exactly (docs/pycom-wire.md, section 14), and beyond them `find`, `renew`,
 * `unregister` and `watch`, which PyCOM's peers never call.
 */
export function nameserverInterface(parts: NameserverParts): InterfaceDefinition {
  const { registry, desk, changes, random } = parts;

  const locate = (name: string, service: string | null | undefined, tags: unknown): ServiceInfo => {
    const providers = registry
      .find({ interface: name, service: service ?? undefined, tags: optionalTexts(tags, "tags") })
      .flatMap(toServiceInfo);
    const chosen = providers[Math.floor(random() * providers.length)];
    if (chosen) return chosen;
    const what = service === undefined || service === null ? name : `${name} (service ${service})`;
    throw rpcError("SERVICE_NOT_FOUND", `Interface not found: ${what}`, { outcome: "executed" });
  };

  const listServices = (interfacePattern: string | null | undefined, servicePattern: string | null | undefined) => {
    const byInterface =
      interfacePattern === undefined || interfacePattern === null ? undefined : compilePattern(interfacePattern);
    const byService =
      servicePattern === undefined || servicePattern === null ? undefined : compilePattern(servicePattern);
    return registry
      .list()
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
      const records = registry.find(query);
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0 || records.some((record) => !excluded.has(instanceKey(record)))) return records;
      if (!(await changes.next(leftMs, signal))) return registry.find(query);
    }
  };

  const watch = async (since: string | null | undefined, waitMs: number | undefined): Promise<unknown> => {
    const { signal } = currentCall();
    const endsAt = performance.now() + clampWait(waitMs);
    for (;;) {
      const batch = changes.since(since ?? undefined);
      const leftMs = endsAt - performance.now();
      if (batch.reset || batch.changes.length > 0 || leftMs <= 0) return batch;
      if (!(await changes.next(leftMs, signal))) return changes.since(since ?? undefined);
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
    const given = await desk.register({
      record,
      leaseMs: typeof leaseMs === "number" ? Math.min(MAX_LEASE_MS, Math.max(MIN_LEASE_MS, leaseMs)) : undefined,
      lease: typeof lease === "string" ? lease : undefined,
    });
    return given === undefined ? {} : { lease: given };
  };

  const renew = (leases: unknown): { unknown: string[] } => {
    if (!Array.isArray(leases)) throw new BadRequestError("args.leases must be an array");
    const missing = leases.filter((entry: unknown) => {
      const { service, lease } = (entry ?? {}) as { service?: unknown; lease?: unknown };
      return typeof service !== "string" || typeof lease !== "string" || !desk.renew(service, lease);
    });
    return { unknown: missing.map((entry: unknown) => String((entry as { service?: unknown } | null)?.service)) };
  };

  const unregister = (service: string, lease: string): Record<string, never> => {
    desk.unregister(service, lease);
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
