import { proxy, workflow } from "lamplighter";
import type { Tasks } from "./order.js";

const w = workflow<Tasks>("/demo/workflow/1");
console.log(await w.invoke("task1", { tea: "oolong", cups: 2 }));
console.log(await proxy(w).task1({ tea: "mate", cups: 1 }));
