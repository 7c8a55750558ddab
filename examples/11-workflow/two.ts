import { Interface, Method, main } from "lamplighter";
import type { Priced } from "./order.js";

@Interface("demo.interface.2")
export class Taxes {
  @Method() task1(order: Priced) {
    return { ...order, cents: Math.round(order.cents * 1.2) };
  }
}

main();
