import { randomBytes, timingSafeEqual } from "node:crypto";
import { ProtocolError, rpcError } from "../../errors.js";
import type { Admission, KeyPair } from "../security.js";
import { type Command, decodeMetadata, encodeCommand, metadataFor, type OwnMetadata } from "./command.js";
import { Box, generateKeyPair, KEY_BYTES, requireKey } from "./curve-box.js";
import { COMMAND, MORE } from "./frame-parser.js";
import { admit, type Mechanism, type SealedFrame, type Step, unexpected } from "./mechanism.js";

/**
 * The connecting end of CURVE (RFC 26): it knows the server's long-term key before it begins. Each connection has
 * short-term keys of its own, so what was recorded cannot be read later, whoever gets the long-term keys.
 */
export class CurveClient implements Mechanism {
  readonly name = "CURVE" as const;
  readonly #metadata: Buffer;
  readonly #keys: KeyPair;
  readonly #serverKey: Uint8Array;
  readonly #shortKeys = generateKeyPair();
  readonly #nonces = new NonceCounter();
  readonly #received = new NonceGuard();
  #traffic: Box | undefined;

  /** @throws ConfigurationError when a key has not 32 octets */
  constructor(metadata: Buffer, security: { readonly keys: KeyPair; readonly serverKey: Uint8Array }) {
    this.#metadata = metadata;
    this.#keys = checkedKeys(security.keys);
    this.#serverKey = requireKey(security.serverKey, "server's public key");
  }

  begin(): Buffer {
    const short = this.#nonces.next();
    const signature = new Box(this.#serverKey, this.#shortKeys.secretKey).seal(
      nonce("CurveZMQHELLO---", short),
      new Uint8Array(SIGNATURE_BYTES),
    );
    return encodeCommand("HELLO", VERSION, HELLO_PADDING, this.#shortKeys.publicKey, short, signature);
  }

  receive(command: Command): Step {
    if (command.name === "WELCOME" && !this.#traffic) return { send: this.#initiate(command.body) };
    if (command.name !== "READY" || !this.#traffic) throw unexpected(command, this.name);
    if (command.body.length < 8 + TAG_BYTES) throw malformed("READY");
    const short = this.#received.accept(command.body.subarray(0, 8));
    const metadata = decodeMetadata(this.#traffic.open(nonce("CurveZMQREADY---", short), command.body.subarray(8)));
    return { done: { metadata, identity: { mechanism: "curve", user: undefined, publicKey: this.#serverKey } } };
  }

  seal = (flags: number, body: Uint8Array): Buffer =>
    sealFrame(this.#traffic, "CurveZMQMESSAGEC", this.#nonces, flags, body);

  open = (body: Buffer): SealedFrame => openFrame(this.#traffic, "CurveZMQMESSAGES", this.#received, body);

  #initiate(welcome: Buffer): Buffer {
    if (welcome.length !== WELCOME_BYTES) throw malformed("WELCOME");
    const opened = new Box(this.#serverKey, this.#shortKeys.secretKey).open(
      nonce("WELCOME-", welcome.subarray(0, 16)),
      welcome.subarray(16),
    );
    const theirShortKey = opened.subarray(0, KEY_BYTES);
    const cookie = opened.subarray(KEY_BYTES);
    const vouchNonce = randomBytes(16);
    const vouch = new Box(theirShortKey, this.#keys.secretKey).seal(
      nonce("VOUCH---", vouchNonce),
      Buffer.concat([this.#shortKeys.publicKey, this.#serverKey]),
    );
    this.#traffic = new Box(theirShortKey, this.#shortKeys.secretKey);
    const short = this.#nonces.next();
    const sealed = this.#traffic.seal(
      nonce("CurveZMQINITIATE", short),
      Buffer.concat([this.#keys.publicKey, vouchNonce, vouch, this.#metadata]),
    );
    return encodeCommand("INITIATE", cookie, short, sealed);
  }
}

/**
 * The end that accepts. It keeps what it knows of a peer with the connection, so its cookie says nothing and only has to
 * come back unchanged.
 */
export class CurveServer implements Mechanism {
  readonly name = "CURVE" as const;
  readonly #metadata: OwnMetadata;
  readonly #keys: KeyPair;
  readonly #admit: (publicKey: Uint8Array) => Admission;
  readonly #shortKeys = generateKeyPair();
  readonly #cookie = randomBytes(COOKIE_BYTES);
  readonly #nonces = new NonceCounter();
  readonly #received = new NonceGuard();
  #theirShortKey: Buffer | undefined;
  #traffic: Box | undefined;

  /** @throws ConfigurationError when a key has not 32 octets */
  constructor(
    metadata: OwnMetadata,
    security: { readonly keys: KeyPair; readonly admit: (publicKey: Uint8Array) => Admission },
  ) {
    this.#metadata = metadata;
    this.#keys = checkedKeys(security.keys);
    this.#admit = security.admit;
  }

  begin(): undefined {
    return undefined;
  }

  receive(command: Command): Step | Promise<Step> {
    if (command.name === "HELLO" && !this.#theirShortKey) return { send: this.#welcome(command.body) };
    if (command.name !== "INITIATE" || !this.#theirShortKey || this.#traffic) throw unexpected(command, this.name);
    return this.#ready(command.body, this.#theirShortKey);
  }

  seal = (flags: number, body: Uint8Array): Buffer =>
    sealFrame(this.#traffic, "CurveZMQMESSAGES", this.#nonces, flags, body);

  open = (body: Buffer): SealedFrame => openFrame(this.#traffic, "CurveZMQMESSAGEC", this.#received, body);

  #welcome(hello: Buffer): Buffer {
    if (hello.length !== HELLO_BYTES || !hello.subarray(0, 2).equals(VERSION)) throw malformed("HELLO");
    const keyAt = VERSION.length + HELLO_PADDING.length;
    if (!hello.subarray(VERSION.length, keyAt).equals(HELLO_PADDING)) throw malformed("HELLO");
    const theirShortKey = Buffer.from(hello.subarray(keyAt, keyAt + KEY_BYTES));
    const short = this.#received.accept(hello.subarray(keyAt + KEY_BYTES, keyAt + KEY_BYTES + 8));
    const box = new Box(theirShortKey, this.#keys.secretKey);
    const signature = box.open(nonce("CurveZMQHELLO---", short), hello.subarray(keyAt + KEY_BYTES + 8));
    if (signature.some((octet) => octet !== 0)) throw malformed("HELLO");
    this.#theirShortKey = theirShortKey;
    const long = randomBytes(16);
    const sealed = box.seal(nonce("WELCOME-", long), Buffer.concat([this.#shortKeys.publicKey, this.#cookie]));
    return encodeCommand("WELCOME", long, sealed);
  }

  async #ready(initiate: Buffer, theirShortKey: Buffer): Promise<Step> {
    if (initiate.length < COOKIE_BYTES + 8 + TAG_BYTES + INITIATE_PLAIN_BYTES) throw malformed("INITIATE");
    if (!timingSafeEqual(initiate.subarray(0, COOKIE_BYTES), this.#cookie)) throw malformed("INITIATE");
    const short = this.#received.accept(initiate.subarray(COOKIE_BYTES, COOKIE_BYTES + 8));
    const traffic = new Box(theirShortKey, this.#shortKeys.secretKey);
    const opened = traffic.open(nonce("CurveZMQINITIATE", short), initiate.subarray(COOKIE_BYTES + 8));
    const theirKey = Buffer.from(opened.subarray(0, KEY_BYTES));
    const vouchAt = KEY_BYTES + 16;
    // The vouch shows that whoever holds the long-term key made the short-term one, for this server and no other.
    const vouch = new Box(theirKey, this.#shortKeys.secretKey).open(
      nonce("VOUCH---", opened.subarray(KEY_BYTES, vouchAt)),
      opened.subarray(vouchAt, vouchAt + VOUCH_BYTES),
    );
    if (!timingSafeEqual(vouch, Buffer.concat([theirShortKey, this.#keys.publicKey]))) throw malformed("INITIATE");
    const metadata = decodeMetadata(opened.subarray(INITIATE_PLAIN_BYTES));
    const user = await admit(() => this.#admit(theirKey), "the key of a CURVE handshake");
    this.#traffic = traffic;
    const readyNonce = this.#nonces.next();
    const own = metadataFor(this.#metadata, metadata);
    return {
      send: encodeCommand("READY", readyNonce, traffic.seal(nonce("CurveZMQREADY---", readyNonce), own)),
      done: { metadata, identity: { mechanism: "curve", user, publicKey: theirKey } },
    };
  }
}

const VERSION = Buffer.from([1, 0]);
const HELLO_PADDING = Buffer.alloc(72);
const SIGNATURE_BYTES = 64;
const TAG_BYTES = 16;
const HELLO_BYTES = 194;
const COOKIE_BYTES = 96;
const WELCOME_BYTES = 16 + TAG_BYTES + KEY_BYTES + COOKIE_BYTES;
const VOUCH_BYTES = TAG_BYTES + 2 * KEY_BYTES;
const INITIATE_PLAIN_BYTES = KEY_BYTES + 16 + VOUCH_BYTES;
const MESSAGE_HEAD = Buffer.from("\x07MESSAGE", "latin1");
/** Inside a box, the second bit marks a command (libzmq; the RFC leaves it open). */
const INNER_COMMAND = 2;

function sealFrame(
  box: Box | undefined,
  prefix: string,
  nonces: NonceCounter,
  flags: number,
  body: Uint8Array,
): Buffer {
  if (!box) throw new ProtocolError("A message was to be sent before the CURVE handshake was done");
  const plain = Buffer.allocUnsafe(1 + body.length);
  plain[0] = (flags & MORE) | (flags & COMMAND ? INNER_COMMAND : 0);
  plain.set(body, 1);
  const short = nonces.next();
  return Buffer.concat([MESSAGE_HEAD, short, box.seal(nonce(prefix, short), plain)]);
}

function openFrame(box: Box | undefined, prefix: string, guard: NonceGuard, body: Buffer): SealedFrame {
  const headBytes = MESSAGE_HEAD.length + 8;
  if (!box || body.length < headBytes + TAG_BYTES + 1 || !body.subarray(0, MESSAGE_HEAD.length).equals(MESSAGE_HEAD)) {
    throw malformed("MESSAGE");
  }
  const short = guard.accept(body.subarray(MESSAGE_HEAD.length, headBytes));
  const plain = box.open(nonce(prefix, short), body.subarray(headBytes));
  const inner = plain[0] ?? 0;
  return { flags: (inner & MORE) | (inner & INNER_COMMAND ? COMMAND : 0), body: plain.subarray(1) };
}

function nonce(prefix: string, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefix.length + rest.length);
  for (let index = 0; index < prefix.length; index++) bytes[index] = prefix.charCodeAt(index);
  bytes.set(rest, prefix.length);
  return bytes;
}

/** Our short nonces: never twice with one key. */
class NonceCounter {
  #count = 0n;

  next(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(++this.#count);
    return bytes;
  }
}

/** The peer's short nonces: each greater than the one before, so nothing can be played again. */
class NonceGuard {
  #last = 0n;

  /** @throws ProtocolError for one that came before */
  accept(bytes: Buffer): Buffer {
    const count = bytes.readBigUInt64BE();
    if (count <= this.#last)
      throw new ProtocolError("The peer repeated a nonce; somebody may be replaying its messages");
    this.#last = count;
    return bytes;
  }
}

function checkedKeys(keys: KeyPair): KeyPair {
  requireKey(keys.publicKey, "public key");
  requireKey(keys.secretKey, "secret key");
  return keys;
}

/** One text for whatever is wrong with a command of the handshake: the peer learns nothing from it. */
function malformed(command: string): Error {
  return command === "MESSAGE"
    ? new ProtocolError("The peer sent something that is no CURVE message")
    : rpcError("PROTOCOL", `The ${command} of a CURVE handshake is malformed, or was made with other keys`);
}
