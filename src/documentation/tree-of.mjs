/**
 * A page as a tree. Links to other pages become addresses; links to elsewhere become text with the address, because
 * nothing here loads anything from another host. JavaScript, because the console's build reads it on older Nodes too.
 */
import { posix } from "node:path";
import { blocksOf, plain } from "./markdown.mjs";

/** @typedef {import("./tree.ts").Inline} Inline */
/** @typedef {import("./tree.ts").Linking} Linking */

/**
 * @param {string} file
 * @param {string} text
 * @param {Linking} linking
 */
export const treeOf = (file, text, linking) => {
  const blocks = blocksOf(text, {
    link: (inline, href) => linkTo(href, inline, file, linking),
    idOf: headingIds(),
  });
  const heading = blocks.find((block) => block[0] === "heading");
  return { title: heading?.[0] === "heading" ? plain(heading[3]) : undefined, blocks };
};

/**
 * @param {string} href
 * @param {Inline[]} inline
 * @param {string} file
 * @param {Linking} linking
 * @returns {Inline[]}
 */
const linkTo = (href, inline, file, { files, addressOf }) => {
  const [path = "", id] = href.split("#");
  const to = path === "" ? file : posix.normalize(posix.join(posix.dirname(file), path));
  if (files.has(to) && !/^[a-z]+:/i.test(href)) return [["link", addressOf(to, id), inline]];
  return plain(inline) === href ? inline : [...inline, ` (${href})`];
};

/** As GitHub makes ids of headings, so that links work there too. */
const headingIds = () => {
  /** @type {Map<string, number>} */
  const ids = new Map();
  return (/** @type {Inline[]} */ heading) => {
    const id = plain(heading)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-");
    const before = ids.get(id) ?? 0;
    ids.set(id, before + 1);
    return before === 0 ? id : `${id}-${before}`;
  };
};
