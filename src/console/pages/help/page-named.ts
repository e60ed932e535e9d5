import type { DocPage } from "../../../documentation/tree.ts";

/** The page at an address. The folder may be left out: `journal` is `explanation~journal`. */
export const pageNamed = (docs: readonly DocPage[], name: string): DocPage | undefined =>
  docs.find((page) => page.name === name) ?? docs.find((page) => lastPartOf(page.name) === name);

const lastPartOf = (name: string): string | undefined =>
  name
    .replace(/~README$/, "")
    .split("~")
    .at(-1);
