import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { methodNotAllowed } from "./problem.js";
import type { RequestHandler } from "./request-handler.js";

/**
 * Serves the files of a folder, `index.html` for folders in it. Nothing outside of it, wherever links lead; nothing whose name begins with
 * a dot; no list of what is there. Files `.rpy`, which nodeset runs, are programs and nobody's to read.
 *
 * @param folder - looked at when it is asked for
 */
export function staticFiles(folder: string): RequestHandler {
  return async (request, response, url) => {
    const names = namesOf(url.pathname);
    if (!names) return false;
    const file = await findFile(folder, names);
    if (!file) return false;
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(request, "GET, HEAD");
    const headers = {
      "last-modified": file.modified.toUTCString(),
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    };
    const since = Date.parse(request.headers["if-modified-since"] ?? "");
    if (since >= Math.floor(file.modified.getTime() / 1_000) * 1_000) {
      response.writeHead(304, headers).end();
      return true;
    }
    response.writeHead(200, {
      ...headers,
      "content-type": TYPES.get(extname(file.path).toLowerCase()) ?? "application/octet-stream",
      "content-length": file.bytes,
    });
    if (request.method === "HEAD" || file.bytes === 0) {
      response.end();
      return true;
    }
    // A file that has grown since is sent as far as was said.
    const content = createReadStream(file.path, { end: file.bytes - 1 });
    try {
      await pipeline(content, response, { end: false });
    } catch {
      // The reader has gone, or the file has: what was begun breaks off.
      response.destroy();
      return true;
    }
    // Of one that has shrunk less came than was said, and the next answer would be taken for the rest.
    if (content.bytesRead < file.bytes) response.destroy();
    else response.end();
    return true;
  };
}

/** The names on the way to a file; `undefined` for a path that leads to none. */
function namesOf(path: string): readonly string[] | undefined {
  const names = path.split("/").filter((name) => name !== "");
  try {
    const decoded = names.map(decodeURIComponent);
    return decoded.every((name) => !/^\.|[/\\\0:]|\.rpy$/i.test(name)) ? decoded : undefined;
  } catch {
    return undefined;
  }
}

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly modified: Date;
}

async function findFile(folder: string, names: readonly string[]): Promise<FoundFile | undefined> {
  try {
    const root = await realpath(folder);
    let path = await realpath(join(root, ...names));
    let info = await stat(path);
    if (info.isDirectory()) {
      path = await realpath(join(path, "index.html"));
      info = await stat(path);
    }
    if (!info.isFile() || !path.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
    return { path, bytes: info.size, modified: info.mtime };
  } catch {
    return undefined;
  }
}

const TYPES: ReadonlyMap<string, string> = new Map([
  [".css", "text/css; charset=utf-8"],
  [".csv", "text/csv; charset=utf-8"],
  [".gif", "image/gif"],
  [".htm", "text/html; charset=utf-8"],
  [".html", "text/html; charset=utf-8"],
  [".ico", "image/x-icon"],
  [".jpeg", "image/jpeg"],
  [".jpg", "image/jpeg"],
  [".js", "text/javascript; charset=utf-8"],
  [".json", "application/json; charset=utf-8"],
  [".map", "application/json; charset=utf-8"],
  [".mjs", "text/javascript; charset=utf-8"],
  [".pdf", "application/pdf"],
  [".png", "image/png"],
  [".svg", "image/svg+xml"],
  [".txt", "text/plain; charset=utf-8"],
  [".wasm", "application/wasm"],
  [".webp", "image/webp"],
  [".woff2", "font/woff2"],
  [".xml", "application/xml"],
]);
