import type {} from "reflect-metadata";
import { lazily } from "../../util/lazily.js";

const load = lazily("reflect-metadata");

/** `Reflect` with the metadata of decorators. Only who declares classes needs it. */
export function metadata(): typeof Reflect {
  load();
  return Reflect;
}
