/** Pages of src/docs as the build makes them of Markdown: a tree without HTML, so nothing in it can be executed. */

export type Inline =
  | string
  | readonly ["code", string]
  | readonly ["strong" | "em", readonly Inline[]]
  /** An address: of the console, of /docs, or of `ocsgw help`. */
  | readonly ["link", string, readonly Inline[]];

export type Block =
  /** Level, id, text. */
  | readonly ["heading", number, string, readonly Inline[]]
  | readonly ["text", readonly Inline[]]
  | readonly ["pre", string]
  | readonly ["list", "ordered" | "plain", readonly (readonly Block[])[]]
  | readonly ["table", readonly Cell[], readonly (readonly Cell[])[]]
  | readonly ["quote", readonly Block[]]
  | readonly ["rule"];

export type Cell = readonly Inline[];

/** `files`: all pages. `addressOf`: where a link to a page, or to a heading of it, leads. */
export type Linking = {
  readonly files: ReadonlySet<string>;
  readonly addressOf: (file: string, id: string | undefined) => string;
};

/** A page of Help. `name`: as in its address; a folder is written before a `~`. */
export type DocPage = { readonly name: string; readonly title: string; readonly blocks: readonly Block[] };
