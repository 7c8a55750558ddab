import type { ServiceRecord } from "./record.js";

/** Where a try of a {@link NamedCall} goes. */
export interface CallTarget {
  /** The run of the service. */
  readonly record: ServiceRecord;
  /** Random id of that run, as it has introduced itself; `undefined`: it has none, and cannot be asked later. */
  readonly incarnation: string | undefined;
  /** Where it writes down the calls of the method; `undefined`: nowhere. */
  readonly journal: string | undefined;
  /** May the call be executed twice without harm? */
  readonly idempotent: boolean;
}

/** A try of a {@link NamedCall} of which nobody knows what became of it. */
export interface EarlierNamedTry {
  /** Its name: `NAME:NUMBER`. */
  readonly call: string;
  /** As its {@link CallTarget} said. */
  readonly incarnation: string;
  /** As its {@link CallTarget} said. */
  readonly journal: string | undefined;
  /** How long ago it was sent, in milliseconds; rather more than less. */
  readonly ageMs: number;
}

/**
 * A call whose caller names it, so that another process can go on with it after this one was killed: it asks the service what became of
 * the call, and gets the answer, or has it executed if it never arrived (docs/lamp-wire.md, section 7).
 */
export interface NamedCall {
  /**
   * Called before each try that is a new one: no earlier one was executed. The try is sent when the promise is settled;
   * if its connection is gone by then, it is not, and the next try gets another name. What may have been executed keeps its name, at whoever is
   * asked for it, and at whoever executes it a second time where that does no harm.
   *
   * @returns its name: `NAME:NUMBER`, with NAME a secret of this caller that no other call has under the same number: 12 to 64 letters, digits, `-`
   *   and `_`, of which at least 72 bits are random; NUMBER from 1 on
   * @throws whatever the call is to fail with, `not-sent`
   */
  sending(target: CallTarget): Promise<string>;
  /** A try of an earlier process, that is asked for first. */
  readonly earlier?: EarlierNamedTry | undefined;
  /**
   * Nobody will ask for calls of the same NAME with this NUMBER or a lower one: the host may forget their answers. It is read when a try is sent,
   * and holds for the NAME that {@link NamedCall.sending} gives, not for that of {@link NamedCall.earlier}. Default 0.
   */
  readonly taken?: number | undefined;
}
