import { expect } from "chai";
import { AccessDeniedError, defineInterface, RemoteError } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";
import { json, text, useRawPeers } from "../support/raw.js";
import { authenticator, counter, echo, locked } from "../support/services.js";

/** docs/pycom-wire.md, section 24, "Server": one test a line, by raw frames. */
describe("A host, seen by PyCOM clients", () => {
  const mesh = useMesh();
  const raw = useRawPeers();
  const start = async (...provided: Parameters<typeof mesh.host>[0]): Promise<string> =>
    (await mesh.host(provided)).address;
  const call = (method: string, args: unknown = null, more: object = {}): Record<string, unknown> => ({
    version: "1.0",
    interface: "demo.echo",
    method,
    args,
    ...more,
  });

  it("answers REQ, a DEALER with delimiter, and envelopes of several hops", async () => {
    const address = await start(echo);
    expect(await raw.call(address, call("echo", 1))).to.deep.equal({ code: 0, result: 1 });
    const dealer = raw.dealer(address);
    await dealer.send(["hop 1", "hop 2", "", "CALL", JSON.stringify(call("echo", 2))]);
    const frames = await dealer.receive();
    expect(frames.map(text)).to.deep.equal(["hop 1", "hop 2", "", "OK", '{"code":0,"result":2}']);
  });

  it("answers with two or three frames, never one; FAIL has two", async () => {
    const address = await start(echo);
    expect(await raw.request(address, "CALL", JSON.stringify(call("echo")))).to.have.length(2);
    expect(await raw.request(address, "CALL", JSON.stringify(call("blob", { size: 1 })))).to.have.length(3);
    for (const broken of [["CALL"], ["CALL", "[]"], ["CALL", "null"], ["PING"]]) {
      const frames = await raw.request(address, ...broken);
      expect(frames.map(text), broken.join(" ")).to.deep.equal(["FAIL", ""]);
    }
  });

  it("has a result on every success, null included, and an error on every failure", async () => {
    const address = await start(echo);
    expect(await raw.call(address, call("echo"))).to.deep.equal({ code: 0, result: null });
    const failed = await raw.call(address, call("crash"));
    expect(failed).to.deep.equal({ code: 1, error: "Unknown error during request" });
  });

  it("has no session id for stateless interfaces, and one on every later answer for stateful ones", async () => {
    const address = await start(echo, counter);
    expect(await raw.call(address, call("echo"))).to.not.have.property("session_id");
    const stateful = (method: string, more: object = {}): Promise<Record<string, unknown>> =>
      raw.call(address, { interface: "demo.counter", method, ...more });
    const { session_id: id } = await stateful("counter");
    expect(id).to.match(/^[0-9a-f]{32}$/);
    expect(await stateful("counter", { session_id: id })).to.deep.equal({
      code: 0,
      result: { count: 2 },
      session_id: id,
    });
    expect(await stateful("boom", { session_id: id })).to.deep.equal({ code: 100500, error: "boom", session_id: id });
    expect(await stateful("nope", { session_id: id })).to.include({ code: 2, session_id: id });
  });

  it("ignores a foreign session id when stateless, and answers code 6 when stateful", async () => {
    const address = await start(echo, counter);
    expect(await raw.call(address, call("echo", 1, { session_id: "x" }))).to.deep.equal({ code: 0, result: 1 });
    const answer = await raw.call(address, { interface: "demo.counter", method: "counter", session_id: "x" });
    expect(answer).to.deep.equal({ code: 6, error: "Session 'x' has expired" });
  });

  it("answers 4 to an unknown interface, 2 to an unknown method, 4 to four frames and to an unknown command", async () => {
    const address = await start(echo);
    const unknown = await raw.call(address, { interface: "no.such", method: "m" });
    expect(unknown).to.deep.equal({ code: 4, error: "Unsupported interface: no.such" });
    const method = await raw.call(address, call("nope"));
    expect(method.code).to.equal(2);
    expect(method.error).to.match(/^Method 'nope' not found in interface demo.echo/);
    const four = await raw.call(address, call("echo"), "a", "b");
    expect(four).to.deep.equal({ code: 4, error: "Expected 2-3 parts, got 4" });
    const command = json(await raw.request(address, "PING", "{}"));
    expect(command).to.deep.equal({ code: 4, error: "Unknown command: PING" });
  });

  it("accepts requests without version, args and extensions, and ignores unknown fields", async () => {
    const address = await start(echo);
    const answer = await raw.call(address, { interface: "demo.echo", method: "echo", surplus: [1] });
    expect(answer).to.deep.equal({ code: 0, result: null });
    expect(await raw.call(address, call("echo", 1, { extensions: null, session_id: null }))).to.deep.equal({
      code: 0,
      result: 1,
    });
  });

  it("keeps an empty attachment apart from none, in both directions", async () => {
    const address = await start(echo);
    const body = JSON.stringify(call("mirror"));
    const without = await raw.request(address, "CALL", body);
    expect(without).to.have.length(2);
    expect(json(without).result).to.equal("absent");
    const empty = await raw.request(address, "CALL", body, "");
    expect(empty).to.have.length(3);
    expect(empty[2]?.byteLength).to.equal(0);
    expect(json(empty).result).to.equal(0);
  });

  it("passes an incoming attachment as the required argument, and takes an outgoing one out of the result", async () => {
    const address = await start(echo);
    const incoming = await raw.call(address, call("digest", { data: "ignored" }), Buffer.from("deadbeef", "hex"));
    const sha256 = "5f78c33274e43fa9de5659265c1d917e25c03722dcb0b8d27db8d5feaa813953";
    expect(incoming).to.deep.equal({ code: 0, result: { size: 4, sha256 } });
    const missing = await raw.call(address, call("digest", {}));
    expect(missing).to.deep.equal({ code: 0, result: { size: null, sha256: null } });
    const outgoing = await raw.request(address, "CALL", JSON.stringify(call("blob", { size: 2 })));
    expect(json(outgoing)).to.deep.equal({ code: 0, result: { size: 2 } });
    expect([...(outgoing[2] ?? [])]).to.deep.equal([7, 7]);
    const only = await raw.request(address, "CALL", JSON.stringify(call("onlyBlob")));
    expect(json(only).result).to.deep.equal({});
    expect(only[2]?.byteLength).to.equal(3);
  });

  it("wants a token under the policy `required`; `never` beats the host's policy", async () => {
    const nameserver = await mesh.nameserver();
    await mesh.host([authenticator], { nameserver: nameserver.address });
    const open = defineInterface("demo.open", {
      authentication: "never",
      methods: { echo: (value: unknown) => value },
    });
    const host = await mesh.host([locked, open, echo], {
      nameserver: nameserver.address,
      authentication: { policy: "required" },
    });
    const ask = (name: string, extensions?: object): Promise<Record<string, unknown>> =>
      raw.call(host.address, { interface: name, method: "echo", args: 1, extensions });
    expect(await ask("demo.locked")).to.deep.equal({ code: 5, error: "Authentication required" });
    expect(await ask("demo.echo")).to.deep.equal({ code: 5, error: "Authentication required" });
    expect(await ask("demo.open")).to.deep.equal({ code: 0, result: 1 });
    expect(await ask("demo.locked", { "org.pycom.auth": "token-of-ann" })).to.deep.equal({ code: 0, result: 1 });
    expect(await ask("demo.locked", { "org.pycom.auth": "forged" })).to.deep.equal({ code: 5, error: "Invalid token" });
  });

  it("answers code 3 when there is no authenticator", async () => {
    const nameserver = await mesh.nameserver();
    const host = await mesh.host([locked], { nameserver: nameserver.address });
    const answer = await raw.call(host.address, {
      interface: "demo.locked",
      method: "echo",
      extensions: { "org.pycom.auth": "any" },
    });
    expect(answer.code).to.equal(3);
  });

  it("introspects with all five members for each method, itself included", async () => {
    const address = await start(echo);
    const { result } = await raw.call(address, call("introspect"));
    const { name, docstring, data, methods } = result as Record<string, Record<string, Record<string, unknown>>>;
    expect({ name, docstring, data }).to.deep.equal({ name: "demo.echo", docstring: "Demo.", data: { any: "json" } });
    for (const [method, entry] of Object.entries(methods ?? {})) {
      expect(Object.keys(entry), method).to.have.members([
        "required_arguments",
        "optional_arguments",
        "results",
        "docstring",
        "attachments",
      ]);
    }
    expect(methods?.add).to.deep.equal({
      required_arguments: ["a", "b"],
      optional_arguments: ["c"],
      results: [],
      docstring: null,
      attachments: { incoming: null, outgoing: null },
    });
    expect(methods?.introspect?.results).to.deep.equal(["name", "methods", "docstring", "data"]);
  });

  it("returns the old id once after a discard, and code 6 from then on", async () => {
    const address = await start(counter);
    const stateful = (method: string, session_id?: unknown): Promise<Record<string, unknown>> =>
      raw.call(address, { interface: "demo.counter", method, session_id });
    const { session_id: id } = await stateful("counter");
    expect((await stateful("discard", id)).session_id).to.equal(id);
    expect((await stateful("counter", id)).code).to.equal(6);
  });

  it("checks arguments: no object, missing, wrong type", async () => {
    const address = await start(echo);
    for (const args of [[1, 2], 1, "x", { a: 1 }, { a: 1, b: "2" }]) {
      const answer = await raw.call(address, call("add", args));
      expect(answer.code, JSON.stringify(args)).to.equal(4);
      expect(answer.error).to.match(/args/);
    }
    expect(await raw.call(address, call("add", { a: 1, b: 2, surplus: 1 }))).to.deep.equal({ code: 0, result: 3 });
  });

  it("answers code 4 to fields of the wrong type, to text that is no JSON, and to bytes that are no UTF-8", async () => {
    const address = await start(echo);
    const bodies = [
      "{",
      '{"method":"m"}',
      '{"interface":"demo.echo"}',
      '{"interface":[],"method":"m"}',
      '{"interface":"demo.echo","method":{}}',
      '{"interface":"demo.echo","method":"echo","extensions":[1]}',
      '{"interface":"demo.echo","method":"echo","args":NaN}',
    ];
    for (const body of bodies) expect(json(await raw.request(address, "CALL", body)).code, body).to.equal(4);
    expect(json(await raw.request(address, "CALL", Buffer.from([0xff]))).code).to.equal(4);
  });

  it("hides unexpected errors, and passes numbers of a service's own", async () => {
    const address = await start(echo);
    expect(await raw.call(address, call("throwText"))).to.deep.equal({
      code: 1,
      error: "Unknown error during request",
    });
    expect(await raw.call(address, call("fail", { code: 100500, text: "own" }))).to.deep.equal({
      code: 100500,
      error: "own",
    });
    expect(await raw.call(address, call("fail", { code: 0, text: "zero" }))).to.include({ code: 1, error: "zero" });
  });

  it("answers code 1 with a clear text when the result cannot be encoded", async () => {
    const address = await start(echo);
    const answer = await raw.call(address, call("nan"));
    expect(answer.code).to.equal(1);
    expect(answer.error).to.match(/result\.list\[1\] is the number NaN/);
  });

  it("passes extensions both ways", async () => {
    const address = await start(echo);
    const answer = await raw.call(address, call("ext", null, { extensions: { "my.own": [1] } }));
    expect(answer).to.deep.equal({ code: 0, result: { "my.own": [1] }, extensions: { "demo.answer": 1 } });
  });

  it("calls a declared method of any name, and nothing that is not declared", async () => {
    const address = await start(echo);
    expect(await raw.call(address, call("__proto__"))).to.deep.equal({ code: 0, result: "proto" });
    for (const method of ["constructor", "toString", "hasOwnProperty", "valueOf"]) {
      expect((await raw.call(address, call(method))).code, method).to.equal(2);
    }
  });

  it("answers calls out of order when a later one is done first", async () => {
    const address = await start(echo);
    const dealer = raw.dealer(address);
    await dealer.send(["1", "", "CALL", JSON.stringify(call("slow", { ms: 60 }))]);
    await dealer.send(["2", "", "CALL", JSON.stringify(call("echo"))]);
    expect(text((await dealer.receive())[0])).to.equal("2");
    expect(text((await dealer.receive())[0])).to.equal("1");
  });

  it("runs hooks around a method, in order, and skips posthooks after a failure", async () => {
    const seen: string[] = [];
    const hooked = defineInterface("demo.hooked", {
      methods: {
        run: {
          params: ["fail"],
          prehooks: [
            (name, method, request) => {
              seen.push(`pre ${name}.${method}`);
              return request;
            },
          ],
          posthooks: [
            (_name, _method, response) => {
              seen.push("post");
              response.result = [response.result];
              return response;
            },
          ],
          run: (fail: boolean) => {
            if (fail) throw new RemoteError("no");
            if (seen.length > 100) throw new AccessDeniedError("never");
            return "ran";
          },
        },
      },
    });
    const address = await start(hooked);
    const ask = (fail: boolean): Promise<Record<string, unknown>> =>
      raw.call(address, { interface: "demo.hooked", method: "run", args: { fail } });
    expect(await ask(false)).to.deep.equal({ code: 0, result: ["ran"] });
    expect(await ask(true)).to.deep.equal({ code: 1, error: "no" });
    expect(seen).to.deep.equal(["pre demo.hooked.run", "post", "pre demo.hooked.run"]);
  });
});
