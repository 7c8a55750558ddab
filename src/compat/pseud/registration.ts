import { randomBytes } from "node:crypto";
import { ConfigurationError } from "../../errors.js";
import { NameserverRegistrar } from "../../nameserver/nameserver-registrar.js";
import { AnswerWindow } from "../../peer/answers/answer-window.js";
import { Dispatcher } from "../../peer/dispatcher.js";
import { buildInterface, defineInterface } from "../../peer/exposed/definition.js";
import { readLimits } from "../../peer/limits.js";
import { HOST_INTERFACE, type ServiceRecord } from "../../peer/record.js";
import { Sessions } from "../../peer/sessions.js";
import type { Credentials } from "../../security/credentials.js";
import { keyText } from "../../security/keys.js";
import { Endpoint as ServiceEndpoint } from "../../service/endpoint.js";
import { publicAddress } from "../../service/public-address.js";
import type { Listener, ListenerSecurity, Peer } from "../../transport/index.js";
import type { DeadlineWheel } from "../../util/deadline-wheel.js";
import type { Logger } from "../../util/log.js";
import type { Frames } from "../../wire/message.js";

/** Where a server is registered, and as what. */
export interface RegistrationSettings {
  /** Nameserver, or several. */
  readonly nameservers: readonly string[];
  /** Names of the interfaces that its jobs stand for. */
  readonly interfaces: readonly string[];
  /** Service path. */
  readonly service: string;
  /** As in the options of a host, in milliseconds. */
  readonly leaseMs: number;
  /** How it proves itself to the nameserver. */
  readonly credentials: Credentials;
  /** Which peers may come in; absent: all. */
  readonly security: ListenerSecurity | undefined;
  /** Told of what happens. */
  readonly log: Logger;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
}

/**
 * Keeps a server registered at a nameserver, so that it is located like any other service. The nameserver asks now and then
 * whether it is alive, on a wire that is not pseud's: that is answered here.
 */
export class Registration {
  readonly #settings: RegistrationSettings;
  /** This run of the server. */
  readonly #incarnation = randomBytes(12).toString("hex");
  readonly #dispatcher: Dispatcher;
  readonly #answers: AnswerWindow;
  readonly #endpoints = new Map<Listener, ServiceEndpoint>();
  #registrar: NameserverRegistrar | undefined;
  /** Addresses are registered one after the other, each with all that are bound by then. */
  #turn: Promise<void> = Promise.resolve();

  /** @throws ConfigurationError without an interface */
  constructor(settings: RegistrationSettings) {
    if (settings.interfaces.length === 0) {
      throw new ConfigurationError("A server that is registered has interfaces to be located by (option interfaces)");
    }
    this.#settings = settings;
    const { log } = settings;
    this.#dispatcher = new Dispatcher({ sessions: new Sessions(), log });
    this.#answers = new AnswerWindow(this.#dispatcher);
    const stat = (): object => ({ incarnation: this.#incarnation, service: settings.service, pending: 0 });
    this.#dispatcher.expose(
      buildInterface(defineInterface(HOST_INTERFACE, { authentication: "never", methods: { stat } }), {
        errors: undefined,
        contract: () => ({ incarnation: this.#incarnation, maxMessageBytes: MAX_MESSAGE_BYTES }),
        journal: undefined,
      }),
    );
  }

  /** A message that is none of pseud's. */
  message(listener: Listener, peer: Peer, frames: Frames): void {
    this.#endpoints.get(listener)?.message(peer, frames);
  }

  /** A peer has gone. */
  gone(listener: Listener, peer: Peer): void {
    this.#endpoints.get(listener)?.gone(peer);
  }

  /**
   * One more address is bound: registers all of them.
   *
   * @throws AccessDeniedError when the service's name belongs to another address that is alive
   */
  async bound(listener: Listener): Promise<void> {
    const { log, wheel } = this.#settings;
    const endpoint = new ServiceEndpoint({
      dispatcher: this.#dispatcher,
      answers: this.#answers,
      incarnation: this.#incarnation,
      wheel,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      maxReferences: 0,
      limits: readLimits().load,
      seesPeers: true,
      gate: undefined,
      log,
    });
    endpoint.attach(listener);
    this.#endpoints.set(listener, endpoint);
    const turn = this.#turn.then(() => this.#register());
    this.#turn = turn.catch(() => undefined);
    try {
      await turn;
    } catch (error) {
      this.#endpoints.delete(listener);
      throw error;
    }
  }

  /** What was registered before goes first: it has the name. */
  async #register(): Promise<void> {
    const { log, nameservers, leaseMs, credentials } = this.#settings;
    await this.#registrar?.unregister();
    await this.#registrar?.close();
    this.#registrar = new NameserverRegistrar(nameservers, { leaseMs, log, credentials });
    await this.#registrar.start(this.#record());
  }

  /** Tells the nameserver that the server goes. Never rejects. */
  async unregister(): Promise<void> {
    await this.#registrar?.unregister();
  }

  /** Ends it, and closes the addresses. */
  async close(): Promise<void> {
    await this.#registrar?.close();
    for (const endpoint of this.#endpoints.values()) await endpoint.close(0);
    this.#answers.close();
  }

  #record(): ServiceRecord {
    const { service, interfaces, log, security } = this.#settings;
    const addresses = [...this.#endpoints.keys()].map(({ address }) => publicAddress(address, undefined, log));
    const mechanisms = security && (["null", "plain", "curve"] as const).filter((name) => security[name] !== undefined);
    const key = security?.curve && keyText(security.curve.keys.publicKey);
    return {
      service,
      address: addresses.find((address) => address.startsWith("tcp://")) ?? addresses[0] ?? "",
      interfaces,
      endpoints: addresses.map((address) => ({
        address,
        wires: ["pseud"],
        ...(mechanisms && { mechanisms }),
        ...(key !== undefined && { key }),
      })),
      tags: [],
      data: {},
      incarnation: this.#incarnation,
    };
  }
}

/** Questions whether it is alive are small. */
const MAX_MESSAGE_BYTES = 64 * 1024;
