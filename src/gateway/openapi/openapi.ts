import type { ArgumentType, Contract, MethodContract } from "../../peer/contract.js";

/** A piece of a description. */
type Json = Readonly<Record<string, unknown>>;

/** What a description is made for. */
export interface OpenApiInfo {
  /** Its title. */
  readonly title: string;
  /** Path that the gateway is below; `""` for none. */
  readonly prefix: string;
}

/** Describes what can be called by HTTP: OpenAPI 3.1, from what services tell of themselves. */
export function describeApi(
  contracts: readonly Contract[],
  info: OpenApiInfo,
  isAllowed: (interfaceName: string, method: string) => boolean,
): Json {
  const paths = contracts.flatMap((contract) =>
    [...contract.methods.values()]
      .filter((method) => isAllowed(contract.name, method.name))
      .map((method) => [
        `/call/${encodeURIComponent(contract.name)}/${encodeURIComponent(method.name)}`,
        { post: operation(contract, method) },
      ]),
  );
  return {
    openapi: "3.1.0",
    info: { title: info.title, version: "1" },
    ...(info.prefix !== "" && { servers: [{ url: info.prefix }] }),
    tags: contracts.map(({ name, docstring }) => ({ name, ...(docstring !== null && { description: docstring }) })),
    // A method may be called `__proto__`.
    paths: Object.fromEntries(paths) as Json,
    security: [{}, { token: [] }],
    components: COMPONENTS,
  };
}

function operation(contract: Contract, method: MethodContract): Json {
  const parameters = ["Service", "Tags", "Timeout", ...(contract.host?.stateful === false ? [] : ["Session"])];
  return {
    operationId: `${contract.name}.${method.name}`,
    tags: [contract.name],
    ...(method.docstring !== null && {
      summary: method.docstring.trim().split("\n", 1)[0] ?? "",
      description: method.docstring,
    }),
    parameters: [
      ...parameters.map((name) => ({ $ref: `#/components/parameters/${name}` })),
      ...(method.incoming === null ? [] : [{ $ref: "#/components/parameters/Arguments" }]),
    ],
    requestBody: requestBody(method),
    responses: { "200": success(method), default: { $ref: "#/components/responses/Problem" } },
    ...(method.idempotent && { "x-idempotent": true }),
    ...(method.once && { "x-once": true }),
  };
}

function requestBody(method: MethodContract): Json {
  const schema = argumentSchema(method);
  return {
    required: method.required.length > 0,
    content: {
      "application/json": { schema },
      ...(method.incoming !== null && {
        "application/octet-stream": { schema: {} },
        "multipart/form-data": {
          schema: {
            type: "object",
            properties: { args: schema, [method.incoming]: { type: "string", format: "binary" } },
          },
        },
      }),
    },
  };
}

function argumentSchema(method: MethodContract): Json {
  const names = [...method.required, ...method.optional];
  if (names.length === 0) return { description: "One value as it is; in an array of one where it is an array itself" };
  const schemas = names.map((name) => (name === method.incoming ? BYTES : typeSchema(own(method.types, name))));
  return {
    oneOf: [
      {
        title: "By name",
        type: "object",
        properties: Object.fromEntries(names.map((name, index) => [name, schemas[index]])),
        // The attachment may be the body itself.
        required: method.required.filter((name) => name !== method.incoming),
      },
      { title: "In order", type: "array", prefixItems: schemas, maxItems: names.length },
    ],
  };
}

function success(method: MethodContract): Json {
  const { results, outgoing } = method;
  const members = results.filter((name) => name !== outgoing);
  const schemaOf = (names: readonly string[]): Json => ({
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, name === outgoing ? BYTES : {}])),
  });
  if (outgoing !== null) {
    return {
      description: "The attachment, and the result beside it; both as JSON for who prefers that",
      headers: { "X-Result": { schema: { type: "string" }, description: "The result as JSON" } },
      content: { "application/octet-stream": { schema: {} }, "application/json": { schema: schemaOf(results) } },
    };
  }
  if (members.length > 0) {
    return { description: "The result", content: { "application/json": { schema: schemaOf(members) } } };
  }
  // What streams is not told by a contract.
  return {
    description: "The result; item by item where the method streams",
    content: {
      "application/json": { schema: {} },
      "application/x-ndjson": { schema: {} },
      "text/event-stream": { schema: { type: "string" } },
    },
  };
}

function typeSchema(type: ArgumentType | undefined): Json {
  if (type === undefined) return {};
  return type === "bytes" ? BYTES : { type };
}

function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

const BYTES: Json = { $ref: "#/components/schemas/Bytes" };

const COMPONENTS: Json = {
  securitySchemes: { token: { type: "http", scheme: "bearer", description: "A token of the authenticator" } },
  parameters: {
    Service: header("X-Service", "Only this service"),
    Tags: header("X-Tags", "Only services that carry all these tags, with commas between"),
    Timeout: header("X-Timeout-Ms", "Deadline in milliseconds", { type: "number", exclusiveMinimum: 0 }),
    Session: header("X-Session-Id", "The session to take up; the answer names it in the same header"),
    Arguments: header("X-Arguments", "The arguments as JSON, where the body is the attachment"),
  },
  responses: {
    Problem: {
      description: "What went wrong (RFC 9457)",
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  },
  schemas: {
    Problem: {
      type: "object",
      properties: {
        title: { type: "string" },
        status: { type: "integer" },
        detail: { type: "string" },
        code: { type: "string" },
        outcome: { enum: ["not-sent", "not-executed", "executed", "unknown"] },
        number: { type: "integer" },
        interface: { type: "string" },
        service: { type: "string" },
        method: { type: "string" },
        name: { type: "string" },
        data: {},
      },
      required: ["title", "status", "detail", "code", "outcome"],
    },
    Bytes: {
      type: "object",
      properties: { $type: { const: "bytes" }, value: { type: "string", contentEncoding: "base64" } },
      required: ["$type", "value"],
    },
  },
};

function header(name: string, description: string, schema: Json = { type: "string" }): Json {
  return { name, in: "header", required: false, description, schema };
}
