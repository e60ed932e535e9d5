/** Compares two loaded configs and describes the changes in sentences. */
import { basename } from "node:path";
import { counted } from "../rules/compare.ts";
import { tenantDifferences } from "./tenants.ts";
import type { FilesRead } from "../load.ts";
import type { Settings } from "../schema/schema.ts";
import { formatValue } from "../format-value.ts";
import type { Path } from "../problems/problem.ts";

export type Readings = { readonly settings: Settings; readonly files: FilesRead };

export const differences = (before: Readings, after: Readings): readonly string[] => {
  const [old, now] = [leavesOf(before.settings), leavesOf(after.settings)];
  const keys = [...new Set([...old.keys(), ...now.keys()])];
  return [
    ...tenantDifferences(before.settings.tenants, after.settings.tenants),
    ...whole(old, now, "listener", "listeners"),
    ...whole(old, now, "upstream", "upstreams"),
    ...whole(old, now, "issuer", "identity.jwt"),
    ...policyTests(before.settings.tests, after.settings.tests),
    ...keys.filter((key) => !isOfWhole(key, old, now)).flatMap((key) => changed(key, old, now)),
    ...contents(now, before.files, after.files),
  ];
};

/** `path`: in the schema, where an entry of a list is at index 0. */
type Leaf = { readonly value: unknown; readonly path: Path };
type Leaves = ReadonlyMap<string, Leaf>;

/** All settings except tenants and policy tests, by key; list entries by name. */
const leavesOf = (settings: Settings): Leaves => new Map(walk({ ...settings, tenants: {}, tests: {} }, "", []));

const walk = (value: unknown, key: string, path: Path): (readonly [string, Leaf])[] => {
  if (isNamedList(value)) return value.flatMap((each) => walk(each, `${key}.${each.name}`, [...path, 0]));
  if (typeof value !== "object" || value === null || Array.isArray(value) || "host" in value)
    return [[key, { value, path }]];
  return Object.entries(value).flatMap(([name, each]) =>
    walk(each, key === "" ? name : `${key}.${name}`, [...path, name]),
  );
};

const isNamedList = (value: unknown): value is readonly { readonly name: string }[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((each: unknown) => typeof each === "object" && each !== null && "name" in each);

const formatLeaf = (leaf: Leaf | undefined): string => formatValue(leaf?.path ?? [], leaf?.value);

/** A secret, and the query of an address, is not shown: only that it changed. */
const changed = (key: string, old: Leaves, now: Leaves): string | [] => {
  const [before, after] = [old.get(key), now.get(key)];
  const [from, to] = [formatLeaf(before), formatLeaf(after)];
  if (from !== to) return `${key} ${from} -> ${to}`;
  return JSON.stringify(before?.value ?? null) === JSON.stringify(after?.value ?? null) ? [] : `${key} changed`;
};

/** Sections whose entries are added and removed as a whole. */
const WHOLES = ["listeners", "upstreams", "identity.jwt"] as const;

const namesIn = (leaves: Leaves, section: string): ReadonlySet<string> =>
  new Set(
    [...leaves.keys()]
      .filter((key) => key.startsWith(`${section}.`))
      .map((key) => key.slice(section.length + 1).split(".", 1)[0]!),
  );

const whole = (old: Leaves, now: Leaves, what: string, section: (typeof WHOLES)[number]): string[] => {
  const [before, after] = [namesIn(old, section), namesIn(now, section)];
  return [
    ...[...after].filter((name) => !before.has(name)).map((name) => `${what} ${name} added`),
    ...[...before].filter((name) => !after.has(name)).map((name) => `${what} ${name} removed`),
  ];
};

/** True for a key of an entry that was added or removed, which is reported already. */
const isOfWhole = (key: string, old: Leaves, now: Leaves): boolean =>
  WHOLES.some((section) => {
    if (key === section) return true;
    const name = key.startsWith(`${section}.`) ? key.slice(section.length + 1).split(".", 1)[0]! : undefined;
    return name !== undefined && namesIn(old, section).has(name) !== namesIn(now, section).has(name);
  });

/** Reports changed policy tests without their content, which may contain phone numbers. */
const policyTests = (before: Settings["tests"], after: Settings["tests"]): string[] =>
  before.length !== after.length
    ? [`tests: ${counted(before.length, "policy test")} -> ${counted(after.length, "policy test")}`]
    : JSON.stringify(before) === JSON.stringify(after)
      ? []
      : ["tests: policy tests changed"];

const contents = (now: Leaves, before: FilesRead, after: FilesRead): string[] =>
  [...now].flatMap(([key, { value }]) => {
    if (typeof value !== "string" || !after.has(value) || !before.has(value) || before.get(value) === after.get(value))
      return [];
    return `${key}: content of ${basename(value)} changed`;
  });
