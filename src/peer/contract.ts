/** What a service says of one method. */
export interface MethodContract {
  /** Remote name. */
  readonly name: string;
  /** Names of required arguments, in positional order. */
  readonly required: readonly string[];
  /** Names of optional arguments, in positional order after the required ones. */
  readonly optional: readonly string[];
  /** Names of declared results; empty: the result is a plain value. */
  readonly results: readonly string[];
  /** Description, if the service gives one. */
  readonly docstring: string | null;
  /** Argument that travels as the request's attachment. */
  readonly incoming: string | null;
  /** Result that travels as the answer's attachment. */
  readonly outgoing: string | null;
  /** Are its attachments streams of bytes to both sides? Absent: they are bytes. */
  readonly stream?: boolean | undefined;
  /** May be executed twice without harm, so an unanswered call is repeated. Default false. */
  readonly idempotent: boolean;
  /** Is it idempotent only for callers whose calls have names, by which the service recognises a repetition? Never told. */
  readonly byCallId?: boolean | undefined;
  /** Its calls are written down, so that it is executed at most once even if the service is restarted. Default false. */
  readonly once: boolean;
  /** JSON types of arguments by name, where the service declares them. */
  readonly types: Readonly<Record<string, ArgumentType>>;
}

/** What is known of a method that declares nothing. */
export const UNDECLARED_METHOD: MethodContract = {
  name: "",
  required: [],
  optional: [],
  results: [],
  docstring: null,
  incoming: null,
  outgoing: null,
  idempotent: false,
  once: false,
  types: {},
};

/** JSON's types, and `bytes` for the attachment. */
export type ArgumentType = "string" | "number" | "integer" | "boolean" | "object" | "array" | "bytes";

/** Each {@link ArgumentType}. */
export const ARGUMENT_TYPES: readonly ArgumentType[] = [
  "string",
  "number",
  "integer",
  "boolean",
  "object",
  "array",
  "bytes",
];

/** What introspection says of an interface, in machine form. */
export interface Contract {
  /** Dotted name. */
  readonly name: string;
  /** Description, if the service gives one. */
  readonly docstring: string | null;
  /** Data that the service declares. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Methods by remote name. */
  readonly methods: ReadonlyMap<string, MethodContract>;
  /** What a Lamplighter host says beyond PyCOM; `undefined` for PyCOM's own services. */
  readonly host: HostContract | undefined;
}

/** What a Lamplighter host says of itself. */
export interface HostContract {
  /** Random id of one run of one process. */
  readonly incarnation: string;
  /** Do sessions belong to the interface? */
  readonly stateful: boolean;
  /** Largest message that it takes, in bytes. */
  readonly maxMessageBytes: number;
  /** Random id of the journal in which calls of `once` methods are written down; absent: there is none. */
  readonly journal?: string | undefined;
}

/** PyCOM's exact shape (docs/pycom-wire.md, section 11), and the contract as one additional member. */
export interface Introspection {
  /** Dotted name. */
  readonly name: string;
  /** Description, if there is one. */
  readonly docstring: string | null;
  /** Data that the service declares. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Methods by name, `introspect` included. */
  readonly methods: Readonly<Record<string, IntrospectedMethod>>;
  /** What Lamplighter adds; absent from PyCOM's services. */
  readonly contract?: IntrospectedContract;
}

/** Names that travel as attachments; `null` for none. */
export interface AttachmentNames {
  /** A required argument. */
  readonly incoming: string | null;
  /** A declared result. */
  readonly outgoing: string | null;
}

/** What Lamplighter adds to one method; absent members have their defaults. */
export interface AddedMethodContract {
  /** May be executed twice without harm; default false. */
  readonly idempotent?: boolean;
  /** Is executed at most once; default false. */
  readonly once?: boolean;
  /** Attachments are streams of bytes; default false. */
  readonly stream?: boolean;
  /** JSON types of arguments by name. */
  readonly types?: Readonly<Record<string, ArgumentType>>;
}

/** One method in PyCOM's shape; all five members are always there. */
export interface IntrospectedMethod {
  /** In positional order. */
  readonly required_arguments: readonly string[];
  /** In positional order, after the required ones. */
  readonly optional_arguments: readonly string[];
  /** Declared result names. */
  readonly results: readonly string[];
  /** Description, if there is one. */
  readonly docstring: string | null;
  /** Names that travel as attachments. */
  readonly attachments: AttachmentNames;
}

/** What Lamplighter adds to introspection. */
export interface IntrospectedContract extends HostContract {
  /** Only what differs from the defaults, by method. */
  readonly methods: Readonly<Record<string, AddedMethodContract>>;
}

/** Name of the method that every introspectable interface has. */
export const INTROSPECT = "introspect";

/**
 * Writes a contract in PyCOM's shape.
 *
 * @param namesCalls - does whoever asks name its calls, so that repetitions are recognised?
 */
export function toIntrospection(contract: Contract, namesCalls = true): Introspection {
  const methods: Record<string, IntrospectedMethod> = {};
  const added: Record<string, AddedMethodContract> = {};
  for (const [name, method] of contract.methods) {
    setOwn(methods, name, {
      required_arguments: method.required,
      optional_arguments: method.optional,
      results: method.results,
      docstring: method.docstring,
      attachments: { incoming: method.incoming, outgoing: method.outgoing },
    });
    const extra = {
      ...(method.idempotent && (namesCalls || !method.byCallId) && { idempotent: true }),
      ...(method.once && { once: true }),
      ...(method.stream && { stream: true }),
      ...(Object.keys(method.types).length > 0 && { types: method.types }),
    };
    if (Object.keys(extra).length > 0) setOwn(added, name, extra);
  }
  const { name, docstring, data, host } = contract;
  return { name, docstring, data, methods, ...(host && { contract: { ...host, methods: added } }) };
}

/**
 * Reads what an `introspect` answered. Older PyCOM services leave members out and foreign ones may say anything: what is
 * missing or of the wrong type counts as not declared.
 */
export function fromIntrospection(value: unknown): Contract {
  const told = record(value);
  const contract = record(told.contract);
  const added = record(contract.methods);
  const methods = new Map<string, MethodContract>();
  for (const [name, entry] of Object.entries(record(told.methods))) {
    const method = record(entry);
    const attachments = record(method.attachments);
    const extra = record(own(added, name));
    methods.set(name, {
      name,
      required: texts(method.required_arguments),
      optional: texts(method.optional_arguments),
      results: texts(method.results),
      docstring: text(method.docstring),
      incoming: text(attachments.incoming),
      outgoing: text(attachments.outgoing),
      idempotent: extra.idempotent === true,
      once: extra.once === true,
      ...(extra.stream === true && { stream: true }),
      types: record(extra.types) as Record<string, ArgumentType>,
    });
  }
  return {
    name: text(told.name) ?? "",
    docstring: text(told.docstring),
    data: record(told.data),
    methods,
    host:
      typeof contract.incarnation === "string"
        ? {
            incarnation: contract.incarnation,
            stateful: contract.stateful === true,
            maxMessageBytes: typeof contract.maxMessageBytes === "number" ? contract.maxMessageBytes : Infinity,
            journal: typeof contract.journal === "string" ? contract.journal : undefined,
          }
        : undefined,
  };
}

/** A method may be called `__proto__`: names become own members, whatever they are. */
function setOwn<T>(target: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function own(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}
