/** A page as HTML, without scripts and without anything from another host. Codes in the text lead to their pages. */
import { escapeHtml } from "../../common/html.ts";
import { explained } from "../codes.ts";
import { fileOfCode } from "../made/code-pages.ts";
import { nameOf, type Page } from "../page.ts";
import { treeOf } from "../tree-of.mjs";
import type { Block, Cell, Inline, Linking } from "../tree.ts";

export const ROOT = "/docs";

export const addressOf = (file: string, id?: string): string =>
  `${ROOT}/${nameOf({ file }).split("/").map(encodeURIComponent).join("/")}${id === undefined ? "" : `#${id}`}`;

/** The content of the element `article`. */
export const articleOf = ({ file, text }: Page, files: Linking["files"]): string =>
  treeOf(file, text, { files, addressOf }).blocks.map(blockHtml).join("\n");

/** For attributes in double quotes. */
export const quoted = (text: string): string => `"${escapeHtml(text).replaceAll('"', "&quot;")}"`;

const blockHtml = (block: Block): string => {
  switch (block[0]) {
    case "heading": {
      const level = Math.min(block[1], 6);
      return `<h${level} id=${quoted(block[2])}>${inlineHtml(block[3])}</h${level}>`;
    }
    case "text":
      return `<p>${inlineHtml(block[1])}</p>`;
    case "pre":
      return `<pre tabindex="0"><code>${escapeHtml(block[1])}</code></pre>`;
    case "list": {
      const name = block[1] === "ordered" ? "ol" : "ul";
      return `<${name}>${block[2].map((item) => `<li>${itemHtml(item)}</li>`).join("")}</${name}>`;
    }
    case "table":
      return tableHtml(block[1], block[2]);
    case "quote":
      return `<blockquote>${block[1].map(blockHtml).join("\n")}</blockquote>`;
    case "rule":
      return "<hr>";
  }
};

/** A short item is its text alone. */
const itemHtml = ([first, ...rest]: readonly Block[]): string => {
  if (first === undefined) return "";
  return [first[0] === "text" ? inlineHtml(first[1]) : blockHtml(first), ...rest.map(blockHtml)].join("\n");
};

const tableHtml = (head: readonly Cell[], rows: readonly (readonly Cell[])[]): string => {
  const cells = (row: readonly Cell[], name: string): string =>
    `<tr>${row.map((cell) => `<${name}>${inlineHtml(cell)}</${name}>`).join("")}</tr>`;
  const body = rows.map((row) => cells(row, "td")).join("\n");
  const inside = `<thead>${cells(head, "th")}</thead><tbody>\n${body}\n</tbody>`;
  return `<div class="table" tabindex="0"><table>${inside}</table></div>`;
};

const inlineHtml = (inline: readonly Inline[]): string =>
  inline
    .map((each) => {
      if (typeof each === "string") return linked(escapeHtml(each));
      switch (each[0]) {
        case "code":
          return `<code>${linked(escapeHtml(each[1]))}</code>`;
        case "link":
          return `<a href=${quoted(each[1])}>${withoutLinks(inlineHtml(each[2]))}</a>`;
        default:
          return `<${each[0]}>${inlineHtml(each[1])}</${each[0]}>`;
      }
    })
    .join("");

const linked = (text: string): string =>
  text.replaceAll(/\bOCSGW-\d{4}\b/g, (code) =>
    explained(code) ? `<a href="${addressOf(fileOfCode(code))}">${code}</a>` : code,
  );

/** A link in a link is no HTML. */
const withoutLinks = (html: string): string => html.replaceAll(/<\/?a\b[^>]*>/g, "");
