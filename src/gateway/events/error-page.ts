import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { send } from "../send.js";

/** Answers with a page for people, as the web bridge of nodeset does; its clients look at the status. */
export function sendErrorPage(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  const title = `${status} ${STATUS_CODES[status] ?? ""}`;
  send(request, response, {
    status,
    type: "text/html; charset=utf-8",
    body: `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n<p>${escaped(text)}</p>\n`,
    headers: { "cache-control": "no-store" },
  });
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
