/**
 * The pages of src/docs for the console's Help, made when the console is built: links to other pages become addresses
 * of Help, and links to elsewhere become text with the address, because the console loads nothing from another host.
 */
import { readdir, readFile } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import { blocksOf, plain } from "./markdown.mjs";

/** @typedef {import("./tree.ts").Inline} Inline */

const RESOLVED = "\0virtual:docs";

/** @param {string} folder */
export const docsPlugin = (folder) => ({
  name: "docs",
  /** @param {string} id */
  resolveId: (id) => (id === "virtual:docs" ? RESOLVED : undefined),
  /**
   * @this {{ emitFile: (file: object) => string }}
   * @param {string} id
   */
  async load(id) {
    if (id !== RESOLVED) return undefined;
    const source = JSON.stringify(await readPages(folder));
    const file = this.emitFile({ type: "asset", name: "docs.json", source });
    return `export default import.meta.ROLLUP_FILE_URL_${file};`;
  },
});

/** @param {string} folder */
export const readPages = async (folder) => {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll(sep, "/"));
  const files = names.filter((name) => name.endsWith(".md")).toSorted();
  const all = new Set(files);
  return Promise.all(files.map(async (file) => pageOf(file, await readFile(join(folder, file), "utf8"), all)));
};

/**
 * @param {string} file
 * @param {string} text
 * @param {ReadonlySet<string>} files
 */
export const pageOf = (file, text, files) => {
  const blocks = blocksOf(text, {
    link: (inline, href) => linkTo(href, inline, { file, files }),
    idOf: headingIds(),
  });
  const heading = blocks.find((block) => block[0] === "heading");
  return { name: nameOf(file), title: heading?.[0] === "heading" ? plain(heading[3]) : nameOf(file), blocks };
};

/** @param {string} file */
const nameOf = (file) => file.replace(/\.md$/, "").replaceAll("/", "~");

/**
 * @param {string} href
 * @param {Inline[]} inline
 * @param {{ file: string, files: ReadonlySet<string> }} from
 * @returns {Inline[]}
 */
const linkTo = (href, inline, { file, files }) => {
  const [path = "", id] = href.split("#");
  const to = path === "" ? file : posix.normalize(posix.join(posix.dirname(file), path));
  if (files.has(to) && !/^[a-z]+:/i.test(href))
    return [["link", `/help/docs/${nameOf(to)}${id === undefined ? "" : `?at=${id}`}`, inline]];
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
