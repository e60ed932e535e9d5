/**
 * Answers requests for /docs on the admin listener. The pages say nothing about this gateway, so anybody may read
 * them.
 */
import { bytesOf, type Arrival, type HeaderLine, type Reply } from "../../common/message.ts";
import { PAGE_HEADERS } from "../../admin/static/console-page.ts";
import { fileOfCode } from "../made/code-pages.ts";
import { explained } from "../codes.ts";
import { readLibrary } from "../all-pages.ts";
import type { Library } from "../library.ts";
import { llmsText, LONGEST, Site } from "./site.ts";
import { STYLE } from "./style.ts";
import { addressOf, ROOT } from "./to-html.ts";
import type { Page } from "../page.ts";

const HTML = "text/html; charset=utf-8";
const MARKDOWN = "text/markdown; charset=utf-8";
const PLAIN = "text/plain; charset=utf-8";

const reply = (status: number, type: string, body: string, headers: readonly HeaderLine[] = []): Reply => ({
  status,
  headers: [["Content-Type", type], ["Cache-Control", "no-cache"], ...PAGE_HEADERS, ...headers],
  body: bytesOf(body),
});

/** `path`: of the target, without the query. Undefined for what is not under /docs. */
export type ServeDocs = (arrival: Arrival, path: string) => Promise<Reply> | undefined;

export const createDocs = (version: string, read: () => Promise<Library> = readLibrary): ServeDocs => {
  let served: Promise<Serving> | undefined;
  const serving = (): Promise<Serving> =>
    (served ??= read().then(
      (library) => new Serving(library, version),
      (error: unknown) => {
        served = undefined;
        throw error;
      },
    ));
  return (arrival, path) => {
    if (path !== ROOT && !path.startsWith(`${ROOT}/`)) return undefined;
    if (arrival.method !== "GET" && arrival.method !== "HEAD")
      return Promise.resolve(reply(405, PLAIN, "GET and HEAD only\n", [["Allow", "GET, HEAD"]]));
    return serving().then(
      (docs) => docs.answer(path.slice(ROOT.length + 1), arrival),
      () => reply(503, PLAIN, "the pages of the documentation cannot be read on this machine\n"),
    );
  };
};

class Serving {
  readonly #library: Library;
  readonly #site: Site;
  readonly #version: string;
  /** HTML of pages that were asked for. */
  readonly #rendered = new Map<Page, string>();

  constructor(library: Library, version: string) {
    this.#library = library;
    this.#version = version;
    this.#site = new Site(library, version);
  }

  answer(rest: string, { target }: Arrival): Reply {
    if (rest === "") return html(200, this.#site.front());
    if (rest === "llms.txt") return reply(200, PLAIN, llmsText(this.#library, this.#version));
    if (rest === "style.css") return reply(200, "text/css; charset=utf-8", STYLE);
    if (rest === "search") return this.#search(target);
    return this.#page(decoded(rest));
  }

  #search(target: string): Reply {
    const words = (new URLSearchParams(target.split("?")[1] ?? "").get("q") ?? "").slice(0, LONGEST);
    const page = pageOfCode(this.#library, words);
    return page ? moved(addressOf(page.file)) : html(200, this.#site.found(words, this.#library.search(words)));
  }

  /** A page that is found by a part of its name has moved to its full name, so that links in it lead on. */
  #page(name: string): Reply {
    const isRaw = name.endsWith(".md");
    const page = this.#library.find(name) ?? pageOfCode(this.#library, name);
    if (!page) {
      const near = this.#library.nearest(name);
      return html(404, this.#site.missing(near === undefined ? undefined : this.#library.find(near)));
    }
    const full = isRaw ? page.file : page.file.replace(/\.md$/, "");
    if (full !== name) return moved(`${addressOf(page.file)}${isRaw ? ".md" : ""}`);
    return isRaw ? reply(200, MARKDOWN, page.text) : html(200, this.#render(page));
  }

  #render(page: Page): string {
    const known = this.#rendered.get(page);
    if (known !== undefined) return known;
    const made = this.#site.page(page);
    this.#rendered.set(page, made);
    return made;
  }
}

const pageOfCode = (library: Library, asked: string): Page | undefined => {
  const code = explained(asked.replace(/^errors\//, "").replace(/\.md$/, ""));
  return code && library.find(fileOfCode(code.id));
};

const html = (status: number, page: string): Reply => reply(status, HTML, page);

const moved = (to: string): Reply => reply(301, PLAIN, `${to}\n`, [["Location", to]]);

const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};
