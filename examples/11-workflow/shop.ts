import { Interface, Method, main, RemoteError } from "lamplighter";

const CENTS = new Map([
  ["mate", 250],
  ["gyokuro", 900],
]);

@Interface("demo.shop")
export class Shop {
  readonly #reserved: string[] = [];

  @Method() reserve(tea: string) {
    this.#reserved.push(tea);
    return { tea, cents: CENTS.get(tea) ?? 300 };
  }
  @Method() release(tea: string) {
    this.#reserved.splice(this.#reserved.indexOf(tea), 1);
  }
  @Method() sum(teas: readonly { cents: number }[]) {
    return teas.reduce((sum, { cents }) => sum + cents, 0);
  }
  @Method() postage(to: string) {
    return 100 + 10 * to.length;
  }
  @Method({ params: ["to", "agreed"] }) send(to: string, agreed: string) {
    if (agreed === "no") throw new RemoteError("Nobody wants to pay for it", { number: 402 });
    return `${this.#reserved.splice(0).join(" and ")} for ${to}`;
  }
  @Method({ idempotent: true }) reserved() {
    return [...this.#reserved];
  }
}

main();
