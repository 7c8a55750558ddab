import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AmpOptions,
  type AmpRemote,
  type AmpServer,
  connectAmp,
  listen,
  type Responders,
} from "../../src/compat/amp/index.js";
import type { StreamTls } from "../../src/transport/index.js";
import { interopResponders } from "./amp-interop-commands.js";
import { type AmpPems, AmpPython, makeAmpCertificates } from "./amp-python.js";
import { keepLog } from "./log.js";

/** Who connects, and over what. */
export interface AmpWay {
  /** For people. */
  readonly name: string;
  /** Is their end the server? */
  readonly weConnect: boolean;
  /** What carries the octets. */
  readonly transport: "tcp" | "unix" | "tls";
}

/** Both ends as client and as server, over everything that carries AMP. */
export const AMP_WAYS: readonly AmpWay[] = (["tcp", "unix", "tls"] as const).flatMap((transport) => [
  { name: `our client and their server over ${transport}`, weConnect: true, transport },
  { name: `their client and our server over ${transport}`, weConnect: false, transport },
]);

/** Those without TLS from the first octet; over TCP only, where that changes nothing. */
export const AMP_ROLES = AMP_WAYS.filter(({ transport }) => transport === "tcp");

/** A connection of our end with a peer in Python. */
export interface AmpMet {
  /** Our end. */
  readonly ours: AmpRemote;
  /** The number of the connection at their end, where it is the last one too. */
  readonly on: number;
}

/** What our end shows over TLS, from paths of PEM files. */
export function tlsOf({ cert, key, ca }: AmpPems): StreamTls {
  return { cert: cert && readFileSync(cert), key: key && readFileSync(key), ca: ca && readFileSync(ca) };
}

/** Options of our end for one connection. */
export type MeetOptions = AmpOptions & { readonly responders?: Responders };

/** Our end, and a peer in Python that serves a whole suite; a hook closes each connection after its test. */
export class AmpMeeting {
  /** Texts that `Notify` brought to our end, in this test. */
  notified: string[] = [];
  /** What our end has logged in this test. */
  kept = keepLog();
  readonly #way: AmpWay;
  readonly #library: "twisted" | "asyncio";
  readonly #open: { close(): Promise<void> }[] = [];
  #folder = "";
  #theirs: AmpPython | undefined;
  #own: Required<AmpPems> | undefined;
  #mine: Required<AmpPems> | undefined;
  #count = 0;

  /** Use {@link useAmpMeeting}. */
  constructor(way: AmpWay, library: "twisted" | "asyncio") {
    this.#way = way;
    this.#library = library;
  }

  /** The peer in Python. */
  get theirs(): AmpPython {
    if (!this.#theirs) throw new Error("The suite has not begun");
    return this.#theirs;
  }

  async begin(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), "amp-"));
    const { weConnect, transport } = this.#way;
    if (transport === "tls") ({ server: this.#own, client: this.#mine } = await makeAmpCertificates(this.#folder));
    const address = transport === "unix" ? `unix:${this.#folder}/theirs` : `${transport}:0`;
    if (this.#library === "asyncio") {
      this.#theirs = await (weConnect ? AmpPython.asyncioServer(address) : AmpPython.asyncioClient());
    } else this.#theirs = await (weConnect ? AmpPython.twistedServer(address, this.#own) : AmpPython.twistedClient());
  }

  /** Makes one more connection; all commands are answered at both ends. */
  async meet(options: MeetOptions = {}): Promise<AmpMet> {
    const { responders = interopResponders((text) => this.notified.push(text)), ...rest } = options;
    const number = this.#count++;
    const own = { log: this.kept.log, ...rest };
    if (this.#way.weConnect) {
      const ours = await connectAmp(this.theirs.address, { tls: this.#mine && tlsOf(this.#mine), ...own, responders });
      this.#open.push(ours);
      const { on = number } = await this.theirs.happens("connected", { on: number });
      return { ours, on };
    }
    let accept: (ours: AmpRemote) => void = () => undefined;
    const accepted = new Promise<AmpRemote>((resolve) => {
      accept = resolve;
    });
    const server = await this.#listen(number, responders, { ...own, onConnection: accept });
    const on = await this.theirs.connect(server.address, this.#mine);
    return { ours: await accepted, on };
  }

  /** Closes the connections of a test. */
  async part(): Promise<void> {
    for (const one of this.#open.splice(0).reverse()) await one.close();
    this.notified = [];
    this.kept = keepLog();
  }

  async end(): Promise<void> {
    await this.#theirs?.close();
    await rm(this.#folder, { recursive: true });
  }

  async #listen(number: number, responders: Responders, options: Parameters<typeof listen>[2]): Promise<AmpServer> {
    const { transport } = this.#way;
    const address = transport === "unix" ? `unix://${this.#folder}/ours-${number}` : `${transport}://127.0.0.1:0`;
    const tls = this.#own && tlsOf(this.#own);
    const server = await listen(address, responders, { drainTimeoutMs: 100, tls, ...options });
    this.#open.push(server);
    return server;
  }
}

/** See {@link AmpMeeting}. */
export function useAmpMeeting(way: AmpWay, library: "twisted" | "asyncio" = "twisted"): AmpMeeting {
  const meeting = new AmpMeeting(way, library);
  before(() => meeting.begin());
  afterEach(() => meeting.part());
  after(() => meeting.end());
  return meeting;
}
