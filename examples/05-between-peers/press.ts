import { currentCall, Interface, Method, main, release } from "lamplighter";
import { OutOfPaper } from "./out-of-paper.js";

const SHEETS = 100;

/** What callers of this service provide. */
export interface Clerk {
  approve(title: string): boolean;
}

/** Stays here, for its class has marked methods; callers hold a reference to it. */
export class Book {
  readonly #title: string;

  constructor(title: string) {
    this.#title = title;
  }

  @Method({ params: { pages: "number", onPage: undefined } })
  async print(pages: number, onPage: (page: number) => unknown): Promise<string> {
    // A function of the caller: calling it calls back.
    for (let page = 1; page <= pages; page++) await onPage(page);
    release(onPage);
    return `${this.#title} is printed`;
  }
}

@Interface("com.foo.press")
export class Press {
  /** Idempotent: after a restart of this process the reference is obtained again. */
  @Method({ params: { title: "string" }, idempotent: true })
  open(title: string): Book {
    return new Book(title);
  }

  @Method({ idempotent: true })
  sheets(): number {
    return SHEETS;
  }

  @Method({ params: { title: "string", "copies?": "number" } })
  async order(title: string, copies = 1): Promise<string> {
    if (copies > SHEETS) throw new OutOfPaper(SHEETS);
    const approved = await currentCall().peerAs<Clerk>("com.foo.clerk").approve(title);
    return approved ? `${copies} of ${title} ordered` : `${title} declined`;
  }
}

main();
