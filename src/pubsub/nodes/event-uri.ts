import { BadRequestError } from "../../errors.js";

/** An event's address in its parts: `[[node@]host/]event` (docs/nodeset.md, "Event addresses"). */
export interface EventUri {
  /** Name of the node that is meant, or `*` for any. */
  readonly node: string;
  /** Label of the dispatcher whose event it is; `localhost` for that of the node itself. */
  readonly host: string;
  /** Name of the event; empty where the whole address is. */
  readonly event: string;
}

/** What stands for any node. */
export const ANY_NODE = "*";
/** The label of a dispatcher's own events. */
export const LOCAL_HOST = "localhost";

/**
 * Reads an event's address. There are no patterns: names match exactly.
 *
 * @throws BadRequestError for an address with a host and no event, such as `h/`
 */
export function parseEventUri(uri: string): EventUri {
  const [place = "", event] = uri.split("/", 2);
  if (event === undefined) return { node: ANY_NODE, host: LOCAL_HOST, event: uri };
  // With more than one slash it is no address but a path, whose first piece is the event.
  if (uri.includes("/", place.length + 1)) return { node: ANY_NODE, host: LOCAL_HOST, event: place };
  if (event === "") throw new BadRequestError(`Invalid addressing ${uri}`, { outcome: "not-sent" });
  const at = place.indexOf("@");
  // With more than one @ it is all a label.
  const isNamed = at >= 0 && at === place.lastIndexOf("@");
  const node = isNamed ? place.slice(0, at) : "";
  const host = isNamed ? place.slice(at + 1) : place;
  return { node: node === "" ? ANY_NODE : node, host: host === "" ? LOCAL_HOST : host, event };
}

/** An event's address in full, such as `*@localhost/ev`. */
export function formatEventUri({ node, host, event }: EventUri): string {
  return `${node}@${host}/${event}`;
}
