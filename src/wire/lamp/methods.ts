import { ProtocolError } from "../../errors.js";

/** Names of a method: they travel once per connection, afterwards a number stands for them. */
export interface MethodName {
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
}

/** Methods that have a number, per connection and direction; what exceeds them travels by name each time. */
export const MAX_NUMBERED = 4_096;

/** The numbers that the sending end has given. */
export class MethodNumbers {
  readonly #interfaces = new Map<string, Map<string, number>>();
  #size = 0;

  /** The number that the next method gets; `undefined` when there are no more. */
  get next(): number | undefined {
    return this.#size < MAX_NUMBERED ? this.#size : undefined;
  }

  /** The number of a method, if it has one. */
  get(interfaceName: string, method: string): number | undefined {
    return this.#interfaces.get(interfaceName)?.get(method);
  }

  /** Gives a method the next number; to be done when the record that says so is sure to be sent. */
  add(interfaceName: string, method: string): void {
    let methods = this.#interfaces.get(interfaceName);
    if (!methods) {
      methods = new Map();
      this.#interfaces.set(interfaceName, methods);
    }
    methods.set(method, this.#size++);
  }
}

/** The same at the receiving end. */
export class MethodNames {
  readonly #names: MethodName[] = [];

  /** @throws ProtocolError for a number that was not given */
  get(number: number): MethodName {
    const name = this.#names[number];
    if (!name) throw new ProtocolError(`A call names the method by the number ${number}, which was not given`);
    return name;
  }

  /** @throws ProtocolError for a number out of turn */
  add(number: number, name: MethodName): void {
    if (number !== this.#names.length || number >= MAX_NUMBERED) {
      throw new ProtocolError(`A call gives a method the number ${number} out of turn`);
    }
    this.#names.push(name);
  }
}
