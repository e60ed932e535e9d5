/**
 * The Markdown of src/docs as a tree (`tree.ts`): headings, paragraphs, lists, tables, code and quotes, with code,
 * emphasis and links inside. Whatever else is in a page, HTML too, stays text.
 */

/**
 * `link`: the parts for a link with this text and address. `idOf`: the id of a heading.
 * @typedef {import("./tree.ts").Block} Block
 * @typedef {import("./tree.ts").Inline} Inline
 * @typedef {{ link: (text: Inline[], href: string) => Inline[], idOf: (heading: Inline[]) => string }} Making
 */

const FENCE = /^(`{3,}|~{3,})/;
const HEADING = /^(#{1,6}) +(.*?) *#*$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})$/;
const ITEM = /^([-*+]|\d{1,9}\.) +/;
const DELIMITERS = /^\|(?: *:?-+:? *\|)+$/;

/**
 * @param {string} text
 * @param {Making} making
 * @returns {Block[]}
 */
export const blocksOf = (text, making) => blocksIn(text.replaceAll(/<!--[^]*?-->/g, "").split(/\r?\n/), making);

/**
 * @param {readonly string[]} lines
 * @param {Making} making
 * @returns {Block[]}
 */
const blocksIn = (lines, making) => {
  /** @type {Block[]} */
  const blocks = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? "";
    if (line.trim() === "") {
      at++;
      continue;
    }
    const [block, end] = blockAt(lines, at, making);
    blocks.push(block);
    at = end;
  }
  return blocks;
};

/**
 * The block that begins in this line, and the first line behind it.
 * @param {readonly string[]} lines
 * @param {number} at
 * @param {Making} making
 * @returns {[Block, number]}
 */
const blockAt = (lines, at, making) => {
  const line = lines[at] ?? "";
  const heading = HEADING.exec(line);
  if (heading) {
    const inline = inlineOf(heading[2] ?? "", making);
    return [["heading", (heading[1] ?? "").length, making.idOf(inline), inline], at + 1];
  }
  if (FENCE.test(line)) return codeAt(lines, at);
  if (RULE.test(line)) return [["rule"], at + 1];
  if (isTable(lines, at)) return tableAt(lines, at, making);
  if (ITEM.test(line)) return listAt(lines, at, making);
  if (line.startsWith(">")) {
    const end = endOf(lines, at, (each) => each.startsWith(">"));
    return [
      [
        "quote",
        blocksIn(
          lines.slice(at, end).map((each) => each.replace(/^> ?/, "")),
          making,
        ),
      ],
      end,
    ];
  }
  const end = endOf(lines, at + 1, (each, place) => each.trim() !== "" && !interrupts(lines, place));
  return [["text", inlineOf(lines.slice(at, end).join(" "), making)], end];
};

/**
 * @param {readonly string[]} lines
 * @param {number} from
 * @param {(line: string, at: number) => boolean} belongs
 */
const endOf = (lines, from, belongs) => {
  let end = from;
  while (end < lines.length && belongs(lines[end] ?? "", end)) end++;
  return end;
};

/**
 * Whether a block begins in this line although a paragraph has not ended.
 * @param {readonly string[]} lines
 * @param {number} at
 */
const interrupts = (lines, at) => {
  const line = lines[at] ?? "";
  return (
    HEADING.test(line) ||
    FENCE.test(line) ||
    line.startsWith(">") ||
    /^(?:[-*+]|1\.) +/.test(line) ||
    isTable(lines, at)
  );
};

/**
 * @param {readonly string[]} lines
 * @param {number} at
 * @returns {[Block, number]}
 */
const codeAt = (lines, at) => {
  const fence = FENCE.exec(lines[at] ?? "")?.[1] ?? "```";
  const end = endOf(lines, at + 1, (line) => !line.startsWith(fence));
  return [["pre", lines.slice(at + 1, end).join("\n")], end + 1];
};

/**
 * @param {readonly string[]} lines
 * @param {number} at
 */
const isTable = (lines, at) => (lines[at] ?? "").startsWith("|") && DELIMITERS.test((lines[at + 1] ?? "").trim());

/**
 * @param {readonly string[]} lines
 * @param {number} at
 * @param {Making} making
 * @returns {[Block, number]}
 */
const tableAt = (lines, at, making) => {
  const end = endOf(lines, at, (line) => line.startsWith("|"));
  const [head = [], , ...rows] = lines.slice(at, end).map((line) =>
    line
      .trim()
      .replaceAll(/^\||\|$/g, "")
      .split(/(?<!\\)\|/)
      .map((cell) => inlineOf(cell.trim().replaceAll("\\|", "|"), making)),
  );
  return [["table", head, rows], end];
};

/**
 * @param {readonly string[]} lines
 * @param {number} at
 * @param {Making} making
 * @returns {[Block, number]}
 */
const listAt = (lines, at, making) => {
  const isOrdered = /^\d/.test(lines[at] ?? "");
  /** @type {Block[][]} */
  const items = [];
  let end = at;
  while (end < lines.length && ITEM.test(lines[end] ?? "") && /^\d/.test(lines[end] ?? "") === isOrdered) {
    const start = end;
    const mark = ITEM.exec(lines[start] ?? "")?.[0] ?? "";
    end = endOf(lines, start + 1, (line, place) => belongsToItem(lines, line, place));
    const own = lines
      .slice(start, end)
      .map((line, index) => line.slice(index === 0 ? mark.length : indentOf(line, mark)));
    items.push(blocksIn(own, making));
    // A blank line between two items does not end the list.
    const next = endOf(lines, end, (line) => line.trim() === "");
    if (ITEM.test(lines[next] ?? "")) end = next;
  }
  return [["list", isOrdered ? "ordered" : "plain", items], end];
};

/**
 * Indented lines, and lines of the item's paragraph without an indent.
 * @param {readonly string[]} lines
 * @param {string} line
 * @param {number} at
 */
const belongsToItem = (lines, line, at) => {
  if (line.trim() === "") return /^ {2,}\S/.test(lines[at + 1] ?? "");
  if (line.startsWith("  ")) return true;
  return (lines[at - 1] ?? "").trim() !== "" && !ITEM.test(line) && !interrupts(lines, at);
};

/**
 * @param {string} line
 * @param {string} mark
 */
const indentOf = (line, mark) => Math.min(mark.length, line.length - line.trimStart().length);

/** In the order in which they are tried at each place. */
const PARTS = new RegExp(
  [
    /\\([!-/:-@[-`{-~])/,
    /(`+)([^]*?[^`])\2(?!`)/,
    /!\[([^\]]*)\]\([^()]*\)/,
    /\[((?:\\.|`[^`]*`|[^[\]\\`])*)\]\(((?:[^()\s]|\([^()]*\))*)\)/,
    /\*\*(?=\S)([^]*?\S)\*\*/,
    /\*(?=[^\s*])([^*]*[^\s*])\*/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/**
 * @param {string} text
 * @param {Making} making
 * @returns {Inline[]}
 */
export const inlineOf = (text, making) => {
  /** @type {Inline[]} */
  const all = [];
  let from = 0;
  for (const found of text.matchAll(PARTS)) {
    const [whole, escaped, , code, image, linked, href, strong, em] = found;
    all.push(text.slice(from, found.index));
    from = found.index + whole.length;
    if (escaped !== undefined) all.push(escaped);
    else if (code !== undefined) all.push(["code", trimmed(code)]);
    else if (image !== undefined) all.push(image);
    else if (linked !== undefined) all.push(...making.link(inlineOf(linked, making), href ?? ""));
    else if (strong !== undefined) all.push(["strong", inlineOf(strong, making)]);
    else all.push(["em", inlineOf(em ?? "", making)]);
  }
  all.push(text.slice(from));
  return joined(all);
};

/**
 * One blank at both ends belongs to the marks.
 * @param {string} code
 */
const trimmed = (code) => (/^ [^]*\S[^]* $/.test(code) ? code.slice(1, -1) : code);

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
