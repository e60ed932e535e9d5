/**
 * The pages of src/docs for the console's Help, made when the console is built: links to other pages become addresses
 * of Help, and links to elsewhere become text with the address, because the console loads nothing from another host.
 */
import { readdir, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { treeOf } from "../../documentation/tree-of.mjs";

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
  const { title, blocks } = treeOf(file, text, {
    files,
    addressOf: (to, id) => `/help/docs/${nameOf(to)}${id === undefined ? "" : `?at=${id}`}`,
  });
  return { name: nameOf(file), title: title ?? nameOf(file), blocks };
};

/** @param {string} file */
const nameOf = (file) => file.replace(/\.md$/, "").replaceAll("/", "~");
