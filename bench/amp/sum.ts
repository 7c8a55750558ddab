import { defineCommand, integer } from "../../build/compat/amp/index.js";

/** What is called all the time: two integers, and their sum. */
export const Sum = defineCommand({
  name: "Sum",
  arguments: { a: integer(), b: integer() },
  response: { total: integer() },
});
