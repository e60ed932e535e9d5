/** The frame of the HTML pages at /docs: search, the list of pages, and the page itself. */
import { escapeHtml } from "../../common/html.ts";
import type { Library, Part } from "../library.ts";
import { byKind, KINDS, nameOf, type Kind, type Page } from "../page.ts";
import type { Results } from "../search.ts";
import { addressOf, articleOf, quoted, ROOT } from "./to-html.ts";

/** A kind with hundreds of pages has a page that lists them. */
const LISTED: ReadonlySet<Kind> = new Set(["errors"]);
/** For few readers. */
const CLOSED: ReadonlySet<Kind> = new Set(["actions", "errors", "decisions"]);

export class Site {
  readonly #library: Library;
  readonly #version: string;
  readonly #menu: string;

  constructor(library: Library, version: string) {
    this.#library = library;
    this.#version = version;
    this.#menu = byKind(library.pages).map(menuPart).join("\n");
  }

  page(page: Page): string {
    const raw = `<p class="raw"><a href=${quoted(`${addressOf(page.file)}.md`)}>This page as Markdown</a></p>`;
    return this.#frame(page.title, `${articleOf(page, this.#library.files)}\n${raw}`);
  }

  front(): string {
    const parts = byKind(this.#library.pages).map(([kind, pages]) => {
      const rows = shown(kind, pages).map((page) => `<dt>${link(page)}</dt><dd>${escapeHtml(page.about)}</dd>`);
      return `<h2>${escapeHtml(KINDS[kind])}</h2>\n<dl>${rows.join("\n")}</dl>`;
    });
    return this.#frame("Documentation", `<h1>Documentation</h1>\n${parts.join("\n")}`);
  }

  found(words: string, { count, shown: results }: Results<Part>): string {
    const rows = results.map(
      ({ page, title, snippet }) => `<dt>${link(page, title)}</dt><dd>${escapeHtml(snippet)}</dd>`,
    );
    const said =
      count === 0 ? "Nothing found." : `${count} found${count > rows.length ? `, ${rows.length} shown` : ""}.`;
    const list = rows.length === 0 ? "" : `<dl>${rows.join("\n")}</dl>`;
    return this.#frame("Search", `<h1>Search</h1>\n<p role="status">${said}</p>\n${list}`, words);
  }

  missing(near: Page | undefined): string {
    const hint = near ? `<p>Did you mean ${link(near)}?</p>` : "";
    return this.#frame(
      "No such page",
      `<h1>There is no such page</h1>\n${hint}\n<p>The search finds words in all pages.</p>`,
    );
  }

  #frame(title: string, content: string, words = ""): string {
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} - ocsgw ${escapeHtml(this.#version)}</title>
<link rel="stylesheet" href="${ROOT}/style.css">
</head>
<body>
<a class="skip" href="#content">Skip to the page</a>
<header>
<a href="${ROOT}">ocsgw ${escapeHtml(this.#version)}</a>
<form action="${ROOT}/search" role="search"><label>Search
<input type="search" name="q" maxlength="${LONGEST}" value=${quoted(words)}></label></form>
</header>
<nav aria-label="Pages">
${this.#menu}
</nav>
<main id="content"><article>
${content}
</article></main>
</body>
</html>
`;
  }
}

/** Of a searched text. */
export const LONGEST = 100;

const shown = (kind: Kind, pages: readonly Page[]): readonly Page[] =>
  LISTED.has(kind) ? pages.filter(({ file }) => file.endsWith("/README.md")) : pages;

const link = (page: Page, text = page.title): string =>
  `<a href=${quoted(addressOf(page.file))}>${escapeHtml(text)}</a>`;

const menuPart = ([kind, pages]: readonly [Kind, readonly Page[]]): string =>
  `<details${CLOSED.has(kind) ? "" : " open"}>` +
  `<summary>${escapeHtml(KINDS[kind])}</summary><ul>` +
  `${shown(kind, pages)
    .map((page) => `<li>${link(page)}</li>`)
    .join("")}</ul></details>`;

/** For programs that read documentation: every page with its address as Markdown. https://llmstxt.org */
export const llmsText = (library: Library, version: string): string =>
  [
    "# ocs-gateway",
    "",
    `> API gateway in front of Genesys Outbound Contact Server (OCS), version ${version}. Every page is Markdown.`,
    ...byKind(library.pages).flatMap(([kind, pages]) => [
      "",
      `## ${KINDS[kind]}`,
      "",
      ...pages.map(
        (page) => `- [${page.title}](${ROOT}/${nameOf(page)}.md)${page.about === "" ? "" : `: ${page.about}`}`,
      ),
    ]),
    "",
  ].join("\n");
