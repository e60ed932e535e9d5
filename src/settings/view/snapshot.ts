/**
 * A config as it was in force, masked, so that it can be compared later. What is hidden is replaced by a stand-in: two
 * stand-ins differ if the values did. A stand-in is an HMAC with the index key, so it tells nothing without that key.
 */
import { createHmac } from "node:crypto";
import { differences, type Readings } from "../diff/diff.ts";
import { root, step, type Node } from "../schema/schema-tree.ts";
import type { Settings } from "../schema/schema.ts";
import { HIDDEN } from "./hidden.ts";
import { hiddenBecause } from "./hidden-because.ts";
import { shownText } from "./leaves.ts";
import { memberOf } from "./sources.ts";

/** `files`: a stand-in of the content of each file that the config named, by path. */
export type Snapshot = {
  readonly format: 1;
  readonly hash: string;
  readonly settings: unknown;
  readonly files: readonly (readonly [path: string, content: string])[];
};

/** `raw`: the file's values as written, before interpolation. `files`: their SHA-256 by path. */
export type Taken = Readings & { readonly hash: string; readonly raw: unknown };

export const snapshotOf = ({ hash, settings, files, raw }: Taken): Snapshot => {
  const seal = sealWith(settings.audit.index_key);
  return {
    format: 1,
    hash,
    settings: masked(settings, { nodes: [root()], raw, seal, key: "" }),
    files: [...files].map(([path, content]) => [path, seal(`file ${path}`, content ?? "")]),
  };
};

type Seal = (key: string, value: unknown) => string;

/** The oldest key, because a change of keys adds a new one behind it. */
const sealWith = (keys: Settings["audit"]["index_key"]): Seal => {
  const secret = typeof keys === "string" ? keys : keys[0]!.secret;
  return (key, value) =>
    createHmac("sha256", secret)
      .update(`ocs-gateway snapshot of a config, version 1\n${key}\n${JSON.stringify(value)}`)
      .digest("hex")
      .slice(0, 16);
};

type At = { readonly nodes: readonly Node[]; readonly raw: unknown; readonly seal: Seal; readonly key: string };

const masked = (value: unknown, at: At): unknown => {
  const { nodes, raw, seal, key } = at;
  if (value === null || value === undefined) return value;
  const because = hiddenBecause(nodes, raw);
  if (because === "secret") return `${HIDDEN}${seal(key, value)}`;
  if (key === "tests")
    return (value as readonly unknown[]).map((each, index) => `${HIDDEN}${seal(`${key}.${index}`, each)}`);
  if (typeof value === "string") {
    if (because !== undefined) return `${HIDDEN}${seal(key, value)}`;
    const shown = shownText(nodes, value);
    return shown === value ? value : `${shown}${HIDDEN}${seal(key, value)}`;
  }
  if (typeof value !== "object") return value;
  const below = (name: string | number): At => ({
    nodes: step(nodes, name),
    raw: memberOf(raw, name),
    seal,
    key: key === "" ? String(name) : `${key}.${name}`,
  });
  if (Array.isArray(value)) return value.map((each: unknown, index) => masked(each, below(index)));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each, below(name))]));
};

/** The text of a snapshot's file; undefined if it is no snapshot of this format. */
export const readSnapshot = (text: string): Snapshot | undefined => {
  try {
    const value = JSON.parse(text) as Snapshot | null;
    return value?.format === 1 && Array.isArray(value.files) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** What changed, one sentence each; undefined if an earlier version wrote a snapshot of another shape. */
export const snapshotDifferences = (before: Snapshot, after: Snapshot): readonly string[] | undefined => {
  try {
    return differences(readingsOf(before), readingsOf(after)).map((each) => each.replaceAll(STAND_IN, HIDDEN));
  } catch {
    return undefined;
  }
};

const STAND_IN = new RegExp(`${HIDDEN}[0-9a-f]{16}`, "g");

const readingsOf = ({ settings, files }: Snapshot): Readings => ({
  settings: settings as Settings,
  files: new Map(files),
});
