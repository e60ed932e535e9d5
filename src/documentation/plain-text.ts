/** The text of a documentation page, without its form. */
import type { Block, Inline } from "./tree.ts";

export const textOf = (inline: readonly Inline[]): string =>
  inline
    .map((each) => (typeof each === "string" ? each : each[0] === "code" ? each[1] : textOf(each.at(-1) as Inline[])))
    .join("");

export const textIn = (block: Block): string => {
  switch (block[0]) {
    case "heading":
      return textOf(block[3]);
    case "text":
      return textOf(block[1]);
    case "pre":
      return block[1];
    case "list":
      return block[2].map((item) => item.map(textIn).join("\n")).join("\n");
    case "table":
      return [block[1], ...block[2]].map((row) => row.map(textOf).join(" ")).join("\n");
    case "quote":
      return block[1].map(textIn).join("\n");
    case "rule":
      return "";
  }
};
