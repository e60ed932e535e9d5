/** A page as text for a terminal: wrapped, with tables in columns, and without colours unless asked for. */
import { inShell } from "../../common/shell-word.ts";
import { wrapped } from "./wrap.ts";
import { nameOf, type Page } from "../page.ts";
import { textOf } from "../plain-text.ts";
import { tableLines } from "./text-table.ts";
import { treeOf } from "../tree-of.mjs";
import type { Block, Inline, Linking } from "../tree.ts";

/** `width`: in characters. `isStyled`: headings are bold. */
export type Screen = { readonly width: number; readonly isStyled: boolean };

/** A page with more links is a list itself. */
const MOST_LINKS = 25;

/** Ends with a line break. After the page come the names of the pages that it links to. */
export const toTerminal = (page: Page, files: Linking["files"], screen: Screen): string => {
  const linked = new Set<string>();
  const { blocks } = treeOf(page.file, page.text, { files, addressOf: (file) => nameOf({ file }) });
  collect(blocks, linked);
  linked.delete(nameOf(page));
  const also = [...linked].map((name) => `ocsgw help ${inShell(name)}`);
  const end =
    also.length === 0 || also.length > MOST_LINKS
      ? []
      : ["", bold("See also", screen), ...also.map((each) => `  ${each}`)];
  return `${[...linesOf(blocks, screen), ...end].join("\n")}\n`;
};

const bold = (text: string, { isStyled }: Screen): string => (isStyled ? `\u{1B}[1m${text}\u{1B}[22m` : text);

const linesOf = (blocks: readonly Block[], screen: Screen): readonly string[] =>
  blocks.flatMap((block, at) => [...(at === 0 ? [] : [""]), ...blockLines(block, screen)]);

const blockLines = (block: Block, screen: Screen): readonly string[] => {
  const { width } = screen;
  switch (block[0]) {
    case "heading":
      return wrapped(textOf(block[3]), width).map((line) => bold(line, screen));
    case "text":
      return wrapped(marked(block[1]), width);
    case "pre":
      return block[1].split("\n").map((line) => `    ${line}`.trimEnd());
    case "list":
      return block[2].flatMap((item, at) => itemLines(item, block[1] === "ordered" ? `${at + 1}. ` : "- ", screen));
    case "table":
      return tableLines(
        block[1].map(marked),
        block[2].map((row) => row.map(marked)),
        width,
      );
    case "quote":
      return linesOf(block[1], narrower(screen, 2)).map((line) => `> ${line}`.trimEnd());
    case "rule":
      return ["-".repeat(Math.min(20, width))];
  }
};

const itemLines = (item: readonly Block[], mark: string, screen: Screen): readonly string[] =>
  linesOf(item, narrower(screen, mark.length)).map((line, at) =>
    `${at === 0 ? mark : " ".repeat(mark.length)}${line}`.trimEnd(),
  );

const narrower = (screen: Screen, by: number): Screen => ({ ...screen, width: Math.max(20, screen.width - by) });

/** Code keeps its backticks, because colours may not be there. */
const marked = (inline: readonly Inline[]): string =>
  inline
    .map((each) => {
      if (typeof each === "string") return each;
      if (each[0] === "code") return `\`${each[1]}\``;
      return marked(each[0] === "link" ? each[2] : each[1]);
    })
    .join("");

const collect = (blocks: readonly Block[], into: Set<string>): void => {
  for (const block of blocks) {
    if (block[0] === "heading") collectInline(block[3], into);
    else if (block[0] === "text") collectInline(block[1], into);
    else if (block[0] === "list") for (const item of block[2]) collect(item, into);
    else if (block[0] === "quote") collect(block[1], into);
    else if (block[0] === "table") for (const cell of [...block[1], ...block[2].flat()]) collectInline(cell, into);
  }
};

const collectInline = (inline: readonly Inline[], into: Set<string>): void => {
  for (const each of inline) {
    if (typeof each === "string" || each[0] === "code") continue;
    if (each[0] === "link") into.add(each[1]);
    collectInline(each[0] === "link" ? each[2] : each[1], into);
  }
};
