import { Interface, Method, main } from "lamplighter";
import type { Priced } from "./order.js";

@Interface("demo.interface.3")
export class Bills {
  @Method() task1({ tea, cups, cents }: Priced) {
    return `${cups} × ${tea}: ${cents} cents`;
  }
}

main();
