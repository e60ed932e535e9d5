/** The pages of src/docs together with those that are made from this version's tables. */
import { Library } from "./library.ts";
import { actionPages } from "./made/action-pages.ts";
import { codePages } from "./made/code-pages.ts";
import { readPages } from "./page.ts";

let library: Promise<Library> | undefined;

/** Read once. Rejects if src/docs cannot be read; the next call tries again. */
export const readLibrary = (): Promise<Library> =>
  (library ??= readPages().then(
    (written) => new Library([...written, ...actionPages(), ...codePages(written)]),
    (error: unknown) => {
      library = undefined;
      throw error;
    },
  ));
