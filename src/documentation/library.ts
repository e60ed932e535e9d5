/** All pages of this version: finds one by its name, and words in all of them. */
import { nearest } from "../settings/problems/did-you-mean.ts";
import { nameOf, plainOf, type Page } from "./page.ts";
import { search, type Results } from "./search.ts";
import type { Linking } from "./tree.ts";

/** A heading of a page, with the text up to the next one. */
export type Part = { readonly page: Page; readonly title: string; readonly text: string };

export class Library {
  readonly pages: readonly Page[];
  readonly files: Linking["files"];
  readonly #named: ReadonlyMap<string, Page>;
  #parts: readonly Part[] | undefined;

  constructor(pages: readonly Page[]) {
    this.pages = pages;
    this.files = new Set(pages.map(({ file }) => file));
    // Full names win over the last part of another page's name, and written pages, which come first, over made ones.
    this.#named = new Map([
      ...pages.toReversed().map((page) => [lastPartOf(page), page] as const),
      ...pages.map((page) => [withoutReadme(page).toLowerCase(), page] as const),
      ...pages.map((page) => [nameOf(page).toLowerCase(), page] as const),
    ]);
  }

  /** By its name, or by the last part of it; upper and lower case are the same. */
  find(name: string): Page | undefined {
    return this.#named.get(cleaned(name));
  }

  /** The name of the page that is most likely meant. */
  nearest(name: string): string | undefined {
    const near = nearest(cleaned(name), this.#named.keys());
    const page = near === undefined ? undefined : this.#named.get(near);
    return page && nameOf(page);
  }

  /** All words must occur under one heading. Upper and lower case are the same. */
  search(words: string): Results<Part> {
    return search((this.#parts ??= this.pages.flatMap(partsOf)), words);
  }
}

/** `/docs/how-to/policy.md` → `how-to/policy` */
const cleaned = (name: string): string =>
  name
    .trim()
    .replace(/^\/?docs\//, "")
    .replace(/\.md$/, "")
    .replace(/\/$/, "")
    .toLowerCase();

const withoutReadme = (page: Page): string => nameOf(page).replace(/\/README$/, "");

const lastPartOf = (page: Page): string => withoutReadme(page).split("/").at(-1)!.toLowerCase();

const partsOf = (page: Page): readonly Part[] =>
  page.text
    .replaceAll(/^```[^]*?^```$/gm, (block) => block.replaceAll(/^#/gm, " #"))
    .split(/^(?=#{1,4} )/m)
    .filter((part) => part.startsWith("#"))
    .map((part, at) => {
      const [heading = "", ...lines] = part.split("\n");
      const title = at === 0 ? page.title : `${page.title}: ${plainOf(heading)}`;
      return { page, title, text: plainOf(lines.join("\n")) };
    });
