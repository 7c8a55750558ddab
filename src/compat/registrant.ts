import { randomBytes } from "node:crypto";
import { NameserverRegistrar } from "../nameserver/nameserver-registrar.js";
import { AnswerWindow } from "../peer/answers/answer-window.js";
import { Dispatcher } from "../peer/dispatcher.js";
import { buildInterface, defineInterface } from "../peer/exposed/definition.js";
import { readLimits } from "../peer/limits.js";
import { HOST_INTERFACE, type ServiceRecord } from "../peer/record.js";
import { Sessions } from "../peer/sessions.js";
import type { Credentials } from "../security/credentials.js";
import { Endpoint } from "../service/endpoint.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";

/** Where a server is registered that speaks none of our own wires, and how it proves itself there. */
export interface RegistrantSettings {
  /** Nameserver, or several. */
  readonly nameservers: readonly string[];
  /** Service path. */
  readonly service: string;
  /** As in the options of a host, in milliseconds. */
  readonly leaseMs: number;
  /** How it proves itself to the nameserver. */
  readonly credentials: Credentials;
  /** Told of what happens. */
  readonly log: Logger;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
}

/**
 * Keeps a server registered that speaks none of our own wires. The nameserver asks now and then whether it is alive, on a wire of its
 * own: that is answered at the endpoints that are made here.
 */
export class Registrant {
  /** This run of the server. */
  readonly incarnation: string = randomBytes(12).toString("hex");
  readonly #settings: RegistrantSettings;
  readonly #dispatcher: Dispatcher;
  readonly #answers: AnswerWindow;
  #registrar: NameserverRegistrar | undefined;
  #isLeaving = false;

  constructor(settings: RegistrantSettings) {
    this.#settings = settings;
    const { service, log } = settings;
    this.#dispatcher = new Dispatcher({ sessions: new Sessions(), log });
    this.#answers = new AnswerWindow(this.#dispatcher);
    const stat = (): object => ({ incarnation: this.incarnation, service, pending: 0 });
    this.#dispatcher.expose(
      buildInterface(defineInterface(HOST_INTERFACE, { authentication: "never", methods: { stat } }), {
        errors: undefined,
        contract: () => ({ incarnation: this.incarnation, maxMessageBytes: MAX_QUESTION_BYTES }),
        journal: undefined,
      }),
    );
  }

  /** What answers the nameserver at an address; whoever binds that attaches and closes it. */
  endpoint(): Endpoint {
    const { log, wheel } = this.#settings;
    return new Endpoint({
      dispatcher: this.#dispatcher,
      answers: this.#answers,
      incarnation: this.incarnation,
      wheel,
      maxMessageBytes: MAX_QUESTION_BYTES,
      maxReferences: 0,
      limits: readLimits().load,
      seesPeers: true,
      gate: undefined,
      log,
    });
  }

  /**
   * Registers it, instead of what it was registered as.
   *
   * @throws AccessDeniedError when the service's name belongs to another address that is alive
   */
  async register(record: Omit<ServiceRecord, "service" | "incarnation">): Promise<void> {
    const { service, log, nameservers, leaseMs, credentials } = this.#settings;
    // To the nameserver, other addresses are another server, and this one is alive.
    await this.#registrar?.unregister();
    await this.#registrar?.close();
    if (this.#isLeaving) return;
    this.#registrar = new NameserverRegistrar(nameservers, { leaseMs, log, credentials });
    await this.#registrar.start({ ...record, service, incarnation: this.incarnation });
  }

  /** Tells the nameserver that the server goes. Never rejects. */
  async unregister(): Promise<void> {
    this.#isLeaving = true;
    await this.#registrar?.unregister();
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    await this.#registrar?.close();
    this.#answers.close();
  }
}

/** Largest question whether it is alive, in bytes. */
export const MAX_QUESTION_BYTES: number = 64 * 1024;
