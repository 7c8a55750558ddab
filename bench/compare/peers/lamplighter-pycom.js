// This package on PyCOM's wire, as between it and PyCOM.
import { connect as open } from "./lamplighter.js";

export { serve } from "./lamplighter.js";

export async function connect(address) {
  const { small } = await open(address, "pycom");
  return { small };
}
