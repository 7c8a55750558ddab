import { setTimeout as sleep } from "node:timers/promises";
import { Interface, Method, main, Publisher } from "lamplighter";

@Interface("demo.dice")
export class Dice {
  #sides = 6;

  @Method({ params: { sides: "integer" } }) setSides(sides: number) {
    this.#sides = sides;
  }

  /** Runs while somebody listens. */
  @Publisher("demo.dice.rolls") async *rolls(signal: AbortSignal) {
    while (!signal.aborted) {
      yield 1 + Math.floor(Math.random() * this.#sides);
      await sleep(100);
    }
  }
}

main();
