import { existsSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigurationError } from "../../errors.js";

/** A file of the page, as it is sent. */
export interface PageFile {
  /** Its content type. */
  readonly type: string;
  /** Its content. */
  readonly body: Buffer;
}

/** Files of the page, by the end of their path; `""` is the page itself. */
const FILES: Readonly<Record<string, string>> = {
  "": "index.html",
  "/style.css": "style.css",
  "/icon.svg": "icon.svg",
  "/app.js": "app.js",
  "/detail.js": "detail.js",
  "/dom.js": "dom.js",
  "/format.js": "format.js",
  "/plot.js": "plot.js",
  "/run-detail.js": "run-detail.js",
  "/run-feed.js": "run-feed.js",
  "/run-picture.js": "run-picture.js",
  "/sections.js": "sections.js",
  "/services.js": "services.js",
  "/state.js": "state.js",
  "/tables.js": "tables.js",
  "/workflows.js": "workflows.js",
};

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".js": "text/javascript; charset=utf-8",
};

/**
 * Reads the page. It is not compiled, and lies with the sources, which the package has with it: from whatever bundle this runs,
 * the root of the package is above it.
 *
 * @throws ConfigurationError when the files are not there, as in a bundle that was made of this package
 */
export function readPage(): ReadonlyMap<string, PageFile> {
  const folder = join(packageRoot(), "src", "gateway", "dashboard", "page");
  return new Map(
    Object.entries(FILES).map(([path, file]) => {
      try {
        return [path, { type: TYPES[extname(file)] ?? "", body: readFileSync(join(folder, file)) }];
      } catch (error) {
        throw new ConfigurationError(`The dashboard's page is not with this package: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }),
  );
}

function packageRoot(): string {
  const here = fileURLToPath(import.meta.url);
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
  }
  return dirname(here);
}
