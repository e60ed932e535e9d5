import type { Block, Linking } from "./tree.ts";

/** `file`: relative to the folder of all pages. `title`: the first heading; undefined if there is none. */
export declare const treeOf: (
  file: string,
  text: string,
  linking: Linking,
) => { readonly title: string | undefined; readonly blocks: readonly Block[] };
