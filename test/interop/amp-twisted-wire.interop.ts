import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import { connectBoxes, defineCommand } from "../../src/compat/amp/index.js";
import { Bye, Notify, Sum } from "../support/amp-commands.js";
