import { defineInterface, type InterfaceDefinition } from "../../src/index.js";
import { PROVIDER, type Provider, type ProviderHost, type ProviderPart } from "../../src/service/provider.js";
import type { SubscriberSocket } from "../../src/service/subscriber-endpoint.js";
import { brand } from "../../src/util/shared.js";
import { PublicationKind, writeBeginning, writeHead } from "../../src/wire/lamp/publication.js";

/** A publisher that sends whatever a test wants to whoever subscribes. */
export class ForeignPublisher implements Provider {
  readonly name: string;
  readonly #sent: (subscription: ForeignSubscription) => void;
  #tokens = 0;

  /** @param sent - told of each subscription that was taken up, to send what it likes */
  constructor(name: string, sent: (subscription: ForeignSubscription) => void) {
    this.name = name;
    this.#sent = sent;
  }

  attachTo({ incarnation, subscribers }: ProviderHost): ProviderPart {
    const definition: InterfaceDefinition = defineInterface(this.name, {
      methods: {
        subscribe: () => {
          const token = `token-${++this.#tokens}-`;
          subscribers.claim(token, {
            joined: (socket) => {
              this.#sent(new ForeignSubscription(token, socket));
            },
            drained: () => undefined,
            left: () => undefined,
          });
          return { token, incarnation, endpoints: subscribers.endpoints };
        },
        credit: () => null,
      },
    });
    return { interface: definition, section: "publications", stats: () => null, close: () => undefined };
  }
}

brand(ForeignPublisher.prototype, PROVIDER);

/** One who has subscribed to a {@link ForeignPublisher}. */
export class ForeignSubscription {
  readonly #token: Buffer;
  readonly #socket: SubscriberSocket;

  constructor(token: string, socket: SubscriberSocket) {
    this.#token = Buffer.from(token);
    this.#socket = socket;
  }

  /** Sends frames behind the token. */
  send(...frames: Uint8Array[]): void {
    this.#socket.send([this.#token, ...frames]);
  }

  /** Begins as one should. */
  begin(): void {
    this.send(writeHead(PublicationKind.ready, 0), writeBeginning({ from: 0, past: 0 }));
  }
}
