/** The text of a config: one YAML file and, optionally, `tenants.d/*.yaml` beside it, each with a list of tenants. */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withoutHanging } from "../../common/small-file/small-file.ts";
import { isGone, reason } from "../../common/system-error.ts";
import { RIGHTS, textOf } from "./origin.ts";
import type { Problem } from "../problems/problem.ts";
import { unreadable } from "../problems/locate.ts";

/** `file`: the name in messages. `hash`: SHA-256 of the text, hexadecimal. */
export type Part = { readonly file: string; readonly text: string; readonly hash: string };

/** `tenants`: sorted by file name. */
export type ConfigText = { readonly main: Part; readonly tenants: readonly Part[] };

export const TENANTS_FOLDER = "tenants.d";

/** False for hidden files and temporary files of editors. */
const isPart = (name: string): boolean => /^[^.].*\.yaml$/.test(name);

export const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

export const partOf = (file: string, text: string): Part => ({ file, text, hash: sha256(text) });

export const folderOf = (file: string): string => join(dirname(file), TENANTS_FOLDER);

/** Resolves to the texts, or to the problem of the first unreadable file. */
export const readConfigText = async (file: string): Promise<ConfigText | Problem> => {
  const text = await textOf(file);
  if (typeof text !== "string") return text;
  const names = await namesIn(folderOf(file));
  if ("why" in names) return unreadable(folderOf(file), names.why, RIGHTS);
  const tenants: Part[] = [];
  for (const name of names) {
    const path = join(folderOf(file), name);
    const part = await textOf(path);
    if (typeof part !== "string") return part;
    tenants.push(partOf(path, part));
  }
  return { main: partOf(file, text), tenants };
};

/** The config files in the directory; empty if it does not exist. */
const namesIn = (folder: string): Promise<readonly string[] | { readonly why: string }> =>
  withoutHanging(folder, () => readdir(folder)).then(
    (names) => names.filter(isPart).toSorted(),
    (error: unknown) => (isGone(error) ? [] : { why: reason(error) }),
  );

/** A hash of the directory's listing, to notice changes; empty if it has no config files. */
export const listingOf = (names: readonly string[]): string =>
  names.some(isPart) ? sha256(names.filter(isPart).toSorted().join("\n")) : "";

/** SHA-256, hexadecimal: of the config file's text, or of the hashes of all files if there are several. */
export const hashOf = ({ main, tenants }: ConfigText): string =>
  tenants.length === 0
    ? main.hash
    : sha256([main, ...tenants].map(({ file, hash }, at) => `${hash} ${at === 0 ? "" : nameIn(file)}\n`).join(""));

const nameIn = (file: string): string => file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
