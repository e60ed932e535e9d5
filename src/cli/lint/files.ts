/** The files that `ocsgw lint` was asked to read: files, folders and patterns. */
import { glob, readdir, stat } from "node:fs/promises";
import { join, normalize } from "node:path";
import { KINDS, kindNamed, kindOf, type Kind } from "../../lint/kinds.ts";
import { reason } from "../../common/system-error.ts";

export type Named = { readonly path: string; readonly kind: Kind };

/** Thrown with a sentence for the user: the arguments name nothing that can be read. */
export class WrongFiles extends Error {
  override readonly name = "WrongCommand";
}

const PASSED_OVER: ReadonlySet<string> = new Set(["node_modules", ".git", ".hg", ".svn"]);
const MOST_FILES = 50_000;

/**
 * Each file once, in the order of the arguments. A file that is named must be of a known kind; in folders, and where a
 * pattern matches, files of other kinds are passed over. Throws WrongFiles.
 */
export const filesOf = async (given: readonly string[], kindName: string | undefined): Promise<readonly Named[]> => {
  const forced = kindName === undefined ? undefined : kindNamed(kindName);
  if (kindName !== undefined && !forced)
    throw new WrongFiles(`unknown kind ${kindName}; the kinds are ${KINDS.map(({ name }) => name).join(", ")}`);
  const found = new Map<string, Named>();
  for (const each of given)
    for (const named of await namedBy(each, forced)) {
      found.set(normalize(named.path), named);
      if (found.size > MOST_FILES) throw new WrongFiles(`more than ${MOST_FILES} files; name fewer folders`);
    }
  return [...found.values()];
};

const namedBy = async (given: string, forced: Kind | undefined): Promise<readonly Named[]> => {
  const found = await stat(given).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error)) {
    if (found.isDirectory()) return await inFolder(given);
    if (!found.isFile()) throw new WrongFiles(`${given} is no regular file`);
    return [{ path: given, kind: forced ?? required(given) }];
  }
  if (!/[*?[{]/.test(given) || found.code !== "ENOENT") throw new WrongFiles(`cannot read ${given}: ${reason(found)}`);
  const matches: Named[] = [];
  for await (const path of glob(given, { exclude: (name) => PASSED_OVER.has(name) })) {
    const kind = forced ?? kindOf(path);
    if (kind && (await stat(path).catch(() => undefined))?.isFile()) matches.push({ path, kind });
    if (matches.length > MOST_FILES) break;
  }
  if (matches.length === 0) throw new WrongFiles(`no file that lint can read matches ${given}`);
  return matches.toSorted((a, b) => (a.path < b.path ? -1 : 1));
};

const required = (path: string): Kind => {
  const kind = kindOf(path);
  if (kind) return kind;
  const endings = KINDS.flatMap((each) => each.endings).join(" ");
  throw new WrongFiles(`${path} is of no kind that lint knows (${endings}); --kind says how to read it`);
};

/** Links to folders are not followed, so that no circle is walked. */
const inFolder = async (folder: string): Promise<readonly Named[]> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: Named[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !PASSED_OVER.has(entry.name)) found.push(...(await inFolder(path)));
    const kind = entry.isFile() ? kindOf(entry.name) : undefined;
    if (kind) found.push({ path, kind });
    if (found.length > MOST_FILES) break;
  }
  return found;
};
