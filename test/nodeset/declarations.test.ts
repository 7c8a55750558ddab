import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import ts from "typescript";
import {
  Attribute,
  Catch,
  Configurator,
  catchEvents,
  createMessage,
  Dispatcher,
  formatEventUri,
  Node,
  NodeCollection,
  NodeMessage,
  parseEventUri,
} from "../../src/compat/nodeset/index.js";
import { RoutingTable } from "../../src/pubsub/nodes/routing-table.js";

class SimpleMessage extends NodeMessage {
  @Attribute() field1: string | null = "value1";
  @Attribute() field2: unknown;
  undeclared = "not sent";
}

class MoreMessage extends SimpleMessage {
  @Attribute() list: number[] = [];
  @Attribute() _secret = 1;
}

class PlainMessage extends NodeMessage {
  static readonly attributes = { field1: "value1", list: [] as number[] };
  declare field1: string;
  declare list: number[];
}

class PlainMore extends PlainMessage {
  static override readonly attributes = { ...PlainMessage.attributes, more: null };
}

describe("Addresses of events", () => {
  const table: readonly (readonly [text: string, full: string])[] = [
    ["ev", "*@localhost/ev"],
    ["h/ev", "*@h/ev"],
    ["n@h/ev", "n@h/ev"],
    ["n@/ev", "n@localhost/ev"],
    ["@h/ev", "*@h/ev"],
    ["/ev", "*@localhost/ev"],
    ["a/b/c", "*@localhost/a"],
    ["n@h", "*@localhost/n@h"],
    ["a@b@c/ev", "*@a@b@c/ev"],
    ["", "*@localhost/"],
  ];
  for (const [text, full] of table) {
    it(`are read: ${JSON.stringify(text)} is ${full}`, () => {
      expect(formatEventUri(parseEventUri(text))).to.equal(full);
    });
  }

  it("are refused with a host and no event", () => {
    for (const text of ["h/", "n@h/", "/"]) {
      expect(() => parseEventUri(text), text).to.throw(`Invalid addressing ${text}`);
    }
  });
});

describe("Messages of nodes", () => {
  it("have the attributes that their class declares, and those of the classes above it", () => {
    expect(new SimpleMessage().attributeNames).to.deep.equal(["_delivery_mode", "field1", "field2"]);
    expect(new MoreMessage().attributeNames).to.deep.equal(["_delivery_mode", "field1", "field2", "list", "_secret"]);
    expect(new PlainMore().attributeNames).to.deep.equal(["_delivery_mode", "field1", "list", "more"]);
    expect(new MoreMessage().toJson()).to.equal('{"field1": "value1", "field2": null, "list": []}');
    expect(JSON.stringify(new SimpleMessage())).to.equal('{"field1":"value1","field2":null}');
    expect(new PlainMessage().get("field1")).to.equal("value1");
    const [first, second] = [new PlainMessage(), new PlainMessage()];
    first.list.push(1);
    expect(second.list).to.deep.equal([]);
  });

  it("take fields that are declared, and no others", () => {
    const message = createMessage(MoreMessage, { field1: "other", _delivery_mode: "direct" });
    expect(message.get("field1")).to.equal("other");
    expect(message.get("_delivery_mode")).to.equal("direct");
    expect(() => createMessage(SimpleMessage, { undeclared: "x" })).to.throw(/no attribute "undeclared"/);
    const simple = new SimpleMessage();
    expect(() => {
      simple.set("nope", 1);
    }).to.throw(/SimpleMessage has no attribute "nope"; there are field1, field2/);
    expect(() => simple.get("nope")).to.throw(/no attribute/);
    simple.setAttribute("nope", 1);
    expect(simple.get("nope")).to.equal(1);
  });

  it("hold what is assigned to them, also in the form in which they travel", () => {
    const message = createMessage(SimpleMessage) as NodeMessage & { field1: string; added: number };
    message.field1 = "assigned";
    message.added = 2;
    expect(message.toJson()).to.equal('{"field1": "assigned", "field2": null, "added": 2}');
    const simple = new SimpleMessage();
    simple.field1 = "assigned";
    simple.undeclared = "still not";
    expect(simple.toJson()).to.equal('{"field1": "assigned", "field2": null}');
  });

  it("read JSON into attributes, removing none, and refuse what is no object", () => {
    const message = new SimpleMessage().fromJson('{"field2": [1, {"a": null}], "new": true, "__proto__": {"x": 1}}');
    expect(message.attributeNames).to.include.members(["field1", "field2", "new", "__proto__"]);
    expect(message.get("field1")).to.equal("value1");
    expect((message as unknown as { x?: unknown }).x).to.equal(undefined);
    for (const json of ["[]", "null", "1", "{"]) {
      expect(() => new NodeMessage().fromJson(json), json).to.throw(/is a JSON object/);
    }
  });

  it("write JSON as Python does, or say why they cannot", () => {
    const message = new NodeMessage();
    const attributes = {
      text: 'é\u007f"\\\n😀',
      number: 1.5,
      big: 2n ** 64n,
      date: new Date(0),
      map: new Map([["a", 1]]),
      left: undefined,
      infinite: Infinity,
    };
    for (const [name, value] of Object.entries(attributes)) message.setAttribute(name, value);
    expect(message.toJson()).to.equal(
      '{"text": "\\u00e9\\u007f\\"\\\\\\n\\ud83d\\ude00", "number": 1.5, "big": 18446744073709551616, ' +
        '"date": "1970-01-01T00:00:00.000Z", "map": {"a": 1}, "infinite": null}',
    );
    message.setAttribute("bytes", new Uint8Array(1));
    expect(() => message.toJson()).to.throw(/Binary values/);
    const loop: unknown[] = [];
    loop.push(loop);
    message.setAttribute("bytes", loop);
    expect(() => message.toJson()).to.throw(/leads back to itself/);
  });

  it("are equal if each attribute of the first has an equal in the second", () => {
    const [some, more] = [createMessage(SimpleMessage), createMessage(MoreMessage)];
    expect(some.equals(more)).to.equal(true);
    expect(more.equals(some)).to.equal(false);
    some.set("field2", { a: [1] });
    expect(some.equals(more)).to.equal(false);
  });
});

describe("Methods that catch events", () => {
  class Base extends Node {
    readonly caught: unknown[] = [];

    @Catch("ev", "extra")
    onEv(message: NodeMessage, ...more: unknown[]): string {
      this.caught.push(["base", message.attributeNames.length, ...more]);
      return "base";
    }

    @Catch("hidden")
    hidden(): string {
      return "hidden";
    }
  }

  class Derived extends Base {
    @Catch("other/ev")
    onOther(_message: NodeMessage, uri: string): string {
      this.caught.push(["derived", uri]);
      return "derived";
    }

    @Catch("two")
    @Catch("three")
    both(): string {
      return "both";
    }

    override hidden(): string {
      return "not marked";
    }

    plain(): string {
      return "plain";
    }
  }
  catchEvents(Derived.prototype, { four: "plain" });
  const message = new NodeMessage();

  it("are found by the event's name, inherited, and told the whole address", () => {
    const node = new Derived();
    const answers = ["ev", "/ev", "n@h/ev", "other/ev", "*@other/ev", "two", "three", "four", "hidden", "nope"].map(
      (uri) => node.event(uri, message),
    );
    expect(answers).to.deep.equal(["base", "base", "base", "derived", "derived", "both", "both", "plain", null, null]);
    expect(node.caught[2]).to.deep.equal(["base", 1, "extra", "n@h/ev"]);
    expect(node.caught[4]).to.deep.equal(["derived", "*@other/ev"]);
  });

  it("are marked rightly, or not at all", () => {
    expect(() => Catch("h/")).to.throw("Invalid addressing h/");
    expect(() => {
      catchEvents(Derived.prototype, { ev: "nope" });
    }).to.throw(/nope is no method/);
  });

  it("and attributes work with legacy decorators", async () => {
    const source = readFileSync("test/fixtures/legacy/nodeset.ts", "utf8");
    for (const useDefineForClassFields of [true, false]) {
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
          useDefineForClassFields,
        },
      });
      const folder = resolve("build/legacy-nodeset-test");
      mkdirSync(folder, { recursive: true });
      try {
        const file = `${folder}/nodeset-${String(useDefineForClassFields)}.mjs`;
        writeFileSync(file, outputText);
        const { LegacyMessage, LegacyNode } = (await import(pathToFileURL(file).href)) as {
          LegacyMessage: new () => NodeMessage;
          LegacyNode: new () => Node & { caughtBy: unknown[] };
        };
        const made = new LegacyMessage();
        expect(made.toJson()).to.equal('{"field1": "value1", "field2": null}');
        const node = new LegacyNode();
        expect(node.event("h/simple_event", made)).to.equal("caught");
        expect(node.caughtBy).to.deep.equal(["value1", 5, "h/simple_event"]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  });

  it("and attributes are accepted by the compiler with legacy decorators", () => {
    const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
    const file = "test/fixtures/legacy/nodeset.ts";
    const program = ts.createProgram([file], { ...options, experimentalDecorators: true });
    const complaints = program.getSemanticDiagnostics(program.getSourceFile(file));
    expect(complaints.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).to.deep.equal([]);
  });
});

describe("The table of a dispatcher", () => {
  const uri = parseEventUri;

  it("turns the entries of an event at each look-up and removal", () => {
    const table = new RoutingTable();
    const targets = ["a", "b", "c"].map((name) => ({ name }));
    for (const target of targets) table.add(uri("ev"), target);
    const next = () => table.lookup(uri("ev"), 1)[0]?.node;
    expect([next(), next(), next(), next()]).to.deep.equal(["b", "c", "a", "b"]);
    table.lookup(uri("nobody@h/ev"));
    expect(next()).to.equal("a");
    const late = { name: "late" };
    table.add(uri("ev"), late);
    expect(table.lookup(uri("ev")).map(({ node }) => node)).to.deep.equal(["b", "c", "late", "a"]);
    expect(table.remove(uri("n@h/ev"), late)).to.equal(undefined);
    expect(table.remove(uri("ev"), late)?.node).to.equal("late");
    expect(table.size).to.equal(3);
    for (const target of targets) expect(table.removeAll(target)).to.have.length(1);
    expect([table.size, [...table], table.lookup(uri("ev"))]).to.deep.equal([0, [], []]);
  });

  it("takes a node under several hosts and names, and each only once", () => {
    const table = new RoutingTable();
    const [a, b] = [{ name: "a" }, { name: "a" }];
    for (const text of ["ev", "other/ev", "nick@localhost/ev"])
      expect(table.add(uri(text), a), text).to.be.an("object");
    expect(table.add(uri("a@localhost/ev"), a)).to.equal(undefined);
    expect(table.add(uri("ev"), b)).to.be.an("object");
    expect(table.lookup(uri("ev"))).to.have.length(3);
    expect(table.lookup(uri("nick@/ev")).map(({ target }) => target === a)).to.deep.equal([true]);
    expect(table.removeAll(a)).to.have.length(3);
    expect(table.lookup(uri("a@/ev")).map(({ target }) => target === b)).to.deep.equal([true]);
  });
});

describe("Settings of nodes and dispatchers", () => {
  it("are kept by name", () => {
    const settings = new Configurator();
    expect(settings.get("dispatcher-url")).to.equal(undefined);
    expect(settings.setDefaultOptions().get("dispatcher-url")).to.equal("tcp://127.0.0.1:5333");
    expect(settings.set("verbose", true).get("verbose")).to.equal(true);
    expect([settings.delete("verbose"), settings.delete("verbose")]).to.deep.equal([true, false]);
  });

  it("are refused where they make no sense", () => {
    for (const options of [
      { heartbeatMs: 0 },
      { limitMs: -1 },
      { heartbeatMs: 100, limitMs: 150 },
      { heartbeatMs: 30_000 },
    ]) {
      expect(() => new Dispatcher(options), JSON.stringify(options)).to.throw(/heartbeatMs|limitMs/);
    }
    for (const options of [{ timeoutMs: 0 }, { limitMs: -1 }, { connectTimeoutMs: NaN }]) {
      expect(() => new Node(options), JSON.stringify(options)).to.throw(/must be a number above 0/);
      expect(() => new NodeCollection(options), JSON.stringify(options)).to.throw(/must be a number above 0/);
    }
  });
});
