/** The text of a config: one YAML file and, where there are any, `tenants.d/*.yaml` beside it, each with a list of tenants. */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withoutHanging } from "../small-file.ts";
import { isGone, reason } from "../system-error.ts";
import { textOf } from "./origin.ts";
import type { Problem } from "./problem.ts";
import { unreadable } from "./report.ts";

/** `file`: as messages name it. `hash`: SHA-256 of the text, hexadecimal. */
export type Part = { readonly file: string; readonly text: string; readonly hash: string };

/** `tenants`: in the sequence of their names. */
export type ConfigText = { readonly main: Part; readonly tenants: readonly Part[] };

export const TENANTS_FOLDER = "tenants.d";

/** Of hidden files, and of what editors leave beside a file, none is read. */
const isPart = (name: string): boolean => /^[^.].*\.yaml$/.test(name);

export const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

export const partOf = (file: string, text: string): Part => ({ file, text, hash: sha256(text) });

export const folderOf = (file: string): string => join(dirname(file), TENANTS_FOLDER);

/** The text, or the first problem of not having it. */
export const readConfigText = async (file: string): Promise<ConfigText | Problem> => {
  const text = await textOf(file);
  if (typeof text !== "string") return text;
  const names = await namesIn(folderOf(file));
  if ("why" in names) return unreadable(folderOf(file), names.why);
  const tenants: Part[] = [];
  for (const name of names) {
    const path = join(folderOf(file), name);
    const part = await textOf(path);
    if (typeof part !== "string") return part;
    tenants.push(partOf(path, part));
  }
  return { main: partOf(file, text), tenants };
};

/** None where there is no such folder. */
const namesIn = (folder: string): Promise<readonly string[] | { readonly why: string }> =>
  withoutHanging(folder, () => readdir(folder)).then(
    (names) => names.filter(isPart).toSorted(),
    (error: unknown) => (isGone(error) ? [] : { why: reason(error) }),
  );

/** What tells one listing of the folder from another; empty where there is none of the files. */
export const listingOf = (names: readonly string[]): string =>
  names.some(isPart) ? sha256(names.filter(isPart).toSorted().join("\n")) : "";

/** SHA-256, hexadecimal: of the config file's text, or of the hashes of all the files where there are several. */
export const hashOf = ({ main, tenants }: ConfigText): string =>
  tenants.length === 0
    ? main.hash
    : sha256([main, ...tenants].map(({ file, hash }, at) => `${hash} ${at === 0 ? "" : nameIn(file)}\n`).join(""));

const nameIn = (file: string): string => file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
