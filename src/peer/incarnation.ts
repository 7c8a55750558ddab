import { randomBytes } from "node:crypto";

/** Random id of this run of this process, as far as it calls others. */
export const PROCESS_INCARNATION: string = randomBytes(12).toString("hex");
