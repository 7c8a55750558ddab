import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "./request-handler.js";

/**
 * Tells of each request when its answer is over, in the combined format of Apache. Takes none: it stands before all other handlers.
 *
 * @param write - gets a line, without its end; must not throw
 * @param now - the clock; default that of the machine
 */
export function accessLog(write: (line: string) => void, now: () => Date = () => new Date()): RequestHandler {
  return (request, response) => {
    const at = now();
    const { remoteAddress = "-" } = request.socket;
    let sent = 0;
    const before = request.socket.bytesWritten;
    response.once("close", () => {
      sent = request.socket.bytesWritten - before;
      const { referer, "user-agent": agent } = request.headers;
      const status = response.headersSent ? response.statusCode : 499;
      write(
        `${remoteAddress} - - [${clfTime(at)}] "${requestLine(request)}" ${status} ${sent} "${quoted(referer && withoutSecrets(referer))}" "${quoted(agent)}"`,
      );
    });
    return false;
  };
}

function requestLine({ method = "", url = "", httpVersion }: IncomingMessage): string {
  return quoted(`${method} ${withoutSecrets(url)} HTTP/${httpVersion}`);
}

/** A signature is good for a while, and whoever reads the log need not have it. */
function withoutSecrets(url: string): string {
  return url.replace(/([?&](?:signature|token)=)[^&#]*/gi, "$1…");
}

/** Nobody writes lines of his own, ends a quotation, or speaks to the terminal that shows it. */
function quoted(text: string | undefined): string {
  if (text === undefined || text === "") return "-";
  return text
    .replace(/[\\"]/g, "\\$&")
    .replace(/[\0-\x1f\x7f-\x9f]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Such as `25/Dec/2026:10:00:00 +0000`. */
function clfTime(at: Date): string {
  const [date = "", time = ""] = at.toISOString().split("T");
  const [year = "", month = "", day = ""] = date.split("-");
  return `${day}/${MONTHS[Number(month) - 1] ?? ""}/${year}:${time.slice(0, 8)} +0000`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
