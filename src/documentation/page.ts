/** The pages of src/docs, and those that are made from tables: what /docs serves and `ocsgw help` prints. */
import { readdir, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** `file`: its place in the folder of all pages, for example `how-to/policy.md`. `text`: Markdown. */
export type Page = { readonly file: string; readonly title: string; readonly about: string; readonly text: string };

export const DOCS_DIR = fileURLToPath(new URL("../docs/", import.meta.url));

/** The title is the first heading; what the page is about, the first paragraph. */
export const pageOf = (file: string, text: string): Page => ({
  file,
  title: plainOf(/^# (.+)$/m.exec(text)?.[1] ?? file),
  about: plainOf(firstParagraph(text)),
  text,
});

const firstParagraph = (text: string): string =>
  text
    .replaceAll(/<!--[^]*?-->/g, "")
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .find((part) => part !== "" && !/^(?:[#|>-]|```|\d+\. )/.test(part)) ?? "";

/** Markdown without its marks, as one line. */
export const plainOf = (text: string): string =>
  text
    .replaceAll(/<!--[^]*?-->/g, "")
    .replaceAll(/\]\([^)\s]*\)/g, "")
    .replaceAll(/^\s*```.*$/gm, "")
    .replaceAll(/^[ |:-]+$/gm, "")
    .replaceAll(/[`[]|\*\*|^#+ /gm, "")
    .replaceAll(/(?<!\\)\|/g, " ")
    .replaceAll("\\|", "|")
    .replaceAll(/\s+/g, " ")
    .trim();

/** As in an address and after `ocsgw help`: without `.md`. */
export const nameOf = ({ file }: Pick<Page, "file">): string => file.replace(/\.md$/, "");

/** Resolves to the pages in the folder, by name. */
export const readPages = async (folder: string = DOCS_DIR): Promise<readonly Page[]> => {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll(sep, "/"));
  const files = names.filter((name) => name.endsWith(".md")).toSorted();
  return Promise.all(files.map(async (file) => pageOf(file, await readFile(join(folder, file), "utf8"))));
};

/** In the order in which a list of pages shows them. */
export const KINDS = {
  tutorials: "Tutorials: learn by doing",
  "how-to": "How to: reach a goal",
  operations: "Operations: run it",
  reference: "Reference: look it up",
  explanation: "Explanation: understand it",
  actions: "Actions of OCS, one page each",
  errors: "Codes and log events, one page each",
  other: "Words and changes",
  decisions: "Decisions: for people who change the gateway",
} as const;
export type Kind = keyof typeof KINDS;

export const kindOf = ({ file }: Pick<Page, "file">): Kind => {
  const [folder = ""] = file.split("/");
  return file.includes("/") && folder in KINDS ? (folder as Kind) : "other";
};

export const byKind = (pages: readonly Page[]): readonly (readonly [Kind, readonly Page[]])[] => {
  const groups = Map.groupBy(pages, kindOf);
  return (Object.keys(KINDS) as Kind[]).flatMap((kind) => {
    const found = groups.get(kind);
    return found ? [[kind, found] as const] : [];
  });
};
