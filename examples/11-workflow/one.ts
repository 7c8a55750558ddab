import { Interface, Method, main } from "lamplighter";
import type { Order } from "./order.js";

@Interface("demo.interface.1")
export class Prices {
  @Method() task1({ tea, cups }: Order) {
    return { tea, cups, cents: 250 * cups };
  }
}

main();
