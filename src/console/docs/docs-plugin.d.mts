import type { DocPage } from "../../documentation/tree.ts";

/** The page of a Markdown text. `file`: relative to the folder of all pages. `files`: all of them. */
export declare const pageOf: (file: string, text: string, files: ReadonlySet<string>) => DocPage;
/** Resolves to all pages in the folder. */
export declare const readPages: (folder: string) => Promise<readonly DocPage[]>;
/** A plugin for Vite: the module `virtual:docs` has the address of the file with all pages. */
export declare const docsPlugin: (folder: string) => object;
