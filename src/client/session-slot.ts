import { type RpcError, rpcError } from "../errors.js";
import { INTROSPECT } from "../peer/contract.js";
import type { Instance, ReadyInstance } from "./instance.js";
import type { HeldSession, Run } from "./run.js";

/** The session of one proxy: the first call that needs one opens it, and those made beside it wait for that. */
export class SessionSlot {
  #held: HeldSession | undefined;
  #opener: Run | undefined;
  /** Settles when the call that opens the session has. */
  #opening: Promise<unknown> | undefined;

  /** The session, while there is one. */
  get held(): HeldSession | undefined {
    return this.#held;
  }

  /** A service has named the session that a call belongs to. */
  hold(id: string, instance: Instance): void {
    if (id !== this.#held?.id) this.#held = { id, instance };
  }

  /** Whether others have to wait before they send, and for what: the call that opens the session, whatever tries it takes. */
  awaited(run: Run, ready: ReadyInstance): Promise<unknown> | undefined {
    return this.#opening && this.#opener !== run && this.#isNeeded(run, ready) ? this.#opening : undefined;
  }

  /** A call is about to be sent; if its answer is to open the session, others wait for it from now on. */
  sending(run: Run, ready: ReadyInstance): void {
    if (!this.#isNeeded(run, ready) || this.#opener === run) return;
    this.#opener = run;
    this.#opening = new Promise<void>((resolve) => {
      run.onSettled = resolve;
    }).then(() => {
      this.#opener = undefined;
      this.#opening = undefined;
    });
  }

  /** A session is of no use any more; the next call opens another. */
  drop(session: HeldSession): void {
    if (this.#held === session) this.#held = undefined;
  }

  /** As {@link SessionSlot.drop}, for the instance that held it is gone; gives the error that says so. */
  lose(session: HeldSession): RpcError {
    this.drop(session);
    const { id, instance } = session;
    return rpcError(
      "SESSION_EXPIRED",
      `The instance ${instance.address} that held the session ${id} is gone; the next call opens a new one`,
      { service: instance.record.service },
    );
  }

  #isNeeded({ call }: Run, { contract }: ReadyInstance): boolean {
    return contract?.host?.stateful === true && call.method !== INTROSPECT && !this.#held;
  }
}
