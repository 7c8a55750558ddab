import { Interface, Method, main } from "lamplighter";

@Interface("com.foo.example")
export class Query {
  @Method("create") create(value: number) {
    return { field1: value };
  }
  @Method({ params: { a: "number", b: "number" }, idempotent: true }) add(a: number, b: number) {
    return a + b;
  }
}

main();
