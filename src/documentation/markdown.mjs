/**
 * The Markdown of src/docs as a tree (`tree.ts`): headings, paragraphs, lists, tables, code and quotes, with code,
 * emphasis and links inside. Whatever else is in a page, HTML too, stays text. The library reads the Markdown; its HTML
 * is not used.
 */
import { lexer } from "marked";

/**
 * `link`: the parts for a link with this text and address. `idOf`: the id of a heading.
 * @typedef {import("./tree.ts").Block} Block
 * @typedef {import("./tree.ts").Inline} Inline
 * @typedef {{ link: (text: Inline[], href: string) => Inline[], idOf: (heading: Inline[]) => string }} Making
 * @typedef {import("marked").MarkedToken} Token
 */

/**
 * @param {string} text
 * @param {Making} making
 * @returns {Block[]}
 */
export const blocksOf = (text, making) => blocksFrom(/** @type {Token[]} */ (lexer(text)), making);

/**
 * @param {readonly Token[]} tokens
 * @param {Making} making
 * @returns {Block[]}
 */
const blocksFrom = (tokens, making) => tokens.flatMap((token) => blocksOfToken(token, making));

/**
 * @param {Token} token
 * @param {Making} making
 * @returns {Block[]}
 */
const blocksOfToken = (token, making) => {
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "heading": {
      const inline = inlineFrom(token.tokens, making);
      return [["heading", token.depth, making.idOf(inline), inline]];
    }
    case "code":
      return [["pre", token.text]];
    case "hr":
      return [["rule"]];
    case "blockquote":
      return [["quote", blocksFrom(/** @type {Token[]} */ (token.tokens), making)]];
    case "list":
      return [["list", token.ordered ? "ordered" : "plain", token.items.map((item) => itemOf(item, making))]];
    case "table":
      return [
        [
          "table",
          token.header.map((cell) => inlineFrom(cell.tokens, making)),
          token.rows.map((row) => row.map((cell) => inlineFrom(cell.tokens, making))),
        ],
      ];
    case "html":
      return isComment(token.text) ? [] : [["text", [token.text.trim()]]];
    case "paragraph":
    case "text":
      return [["text", token.tokens ? inlineFrom(token.tokens, making) : [token.text]]];
    default:
      return [["text", [token.raw]]];
  }
};

/**
 * @param {import("marked").Tokens.ListItem} item
 * @param {Making} making
 */
const itemOf = (item, making) => blocksFrom(/** @type {Token[]} */ (item.tokens), making);

/** @param {string} html */
const isComment = (html) => /^\s*(?:<!--[^]*?-->\s*)+$/.test(html);

/**
 * @param {readonly import("marked").Token[]} tokens
 * @param {Making} making
 * @returns {Inline[]}
 */
const inlineFrom = (tokens, making) =>
  joined(tokens.flatMap((token) => inlineOfToken(/** @type {Token} */ (token), making)));

/**
 * @param {Token} token
 * @param {Making} making
 * @returns {Inline[]}
 */
const inlineOfToken = (token, making) => {
  switch (token.type) {
    case "codespan":
      return [["code", token.text]];
    case "strong":
    case "em":
      return [[token.type, inlineFrom(token.tokens, making)]];
    case "link":
      return making.link(inlineFrom(token.tokens, making), token.href);
    case "image":
      return [token.text];
    case "br":
      return [" "];
    case "text":
      return token.tokens ? inlineFrom(token.tokens, making) : [token.text.replaceAll("\n", " ")];
    case "escape":
      return [token.text];
    case "html":
      return isComment(token.raw) ? [] : [token.raw];
    default:
      return [token.raw];
  }
};

/**
 * Texts beside each other as one, and no empty ones.
 * @param {readonly Inline[]} inline
 */
const joined = (inline) => {
  /** @type {Inline[]} */
  const all = [];
  for (const each of inline) {
    const last = all.at(-1);
    if (typeof each === "string" && typeof last === "string") all[all.length - 1] = last + each;
    else if (each !== "") all.push(each);
  }
  return all;
};

/**
 * @param {readonly Inline[]} inline
 * @returns {string}
 */
export const plain = (inline) =>
  inline
    .map((each) => {
      if (typeof each === "string") return each;
      return each[0] === "code" ? each[1] : plain(each[0] === "link" ? each[2] : each[1]);
    })
    .join("");
