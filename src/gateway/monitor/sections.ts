import { listOf, membersOf, numberOf, textOf } from "./told-stats.js";

/** A topic of a publisher. */
export interface TopicView {
  /** Its name. */
  readonly topic: string;
  /** Values that were published on it. */
  readonly published: number;
}

/** What one interface of a service publishes: the section `publications`. */
export interface PublicationView {
  /** Dotted name. */
  readonly interface: string;
  /** Its topics. */
  readonly topics: readonly TopicView[];
  /** Names of its subscribers. */
  readonly subscribers: readonly string[];
}

/** What the statistics of a publisher tell; nothing where they are of another kind. */
export function publicationsOf(sections: Readonly<Record<string, unknown>> | undefined): PublicationView[] {
  return listOf(sections?.publications, MAX_ITEMS).map((value) => {
    const told = membersOf(value);
    return {
      interface: textOf(told.interface),
      topics: listOf(told.topics, MAX_ITEMS).map((topic) => ({
        topic: textOf(membersOf(topic).topic),
        published: numberOf(membersOf(topic).published),
      })),
      subscribers: listOf(told.subscribers, MAX_ITEMS).map((subscriber) => textOf(membersOf(subscriber).id)),
    };
  });
}

/** Of each list so much is read. */
const MAX_ITEMS = 10_000;
