/** Two readings of a config file → what has changed, in sentences that say what it means. */
import { basename } from "node:path";
import { counted } from "./compare.ts";
import { tenantDifferences } from "./difference-tenants.ts";
import type { FilesRead } from "./load.ts";
import { secretKeys } from "./outline.ts";
import type { Settings } from "./schema.ts";
import { spell } from "./spell.ts";

export type Readings = { readonly settings: Settings; readonly files: FilesRead };

export const differences = (before: Readings, after: Readings): readonly string[] => {
  const [old, now] = [leavesOf(before.settings), leavesOf(after.settings)];
  const keys = [...new Set([...old.keys(), ...now.keys()])];
  return [
    ...tenantDifferences(before.settings.tenants, after.settings.tenants),
    ...whole(old, now, "listener", "listeners"),
    ...whole(old, now, "upstream", "upstreams"),
    ...whole(old, now, "issuer", "identity.jwt"),
    ...examples(before.settings.tests, after.settings.tests),
    ...keys
      .filter((key) => !isOfWhole(key, old, now) && spellLeaf(key, old.get(key)) !== spellLeaf(key, now.get(key)))
      .map((key) => changed(key, old, now)),
    ...secretKeys().flatMap((secret) =>
      keys
        .filter(
          (key) =>
            key.endsWith(`.${secret}`) &&
            old.get(key) !== now.get(key) &&
            old.get(key) !== null &&
            now.get(key) !== null,
        )
        .map((key) => `${key} is another`),
    ),
    ...contents(now, before.files, after.files),
  ];
};

type Leaves = ReadonlyMap<string, unknown>;

/** Every setting outside tenants and examples by its key; entries of lists go by their names. */
const leavesOf = (settings: Settings): Leaves => new Map(walk({ ...settings, tenants: {}, tests: {} }, ""));

const walk = (value: unknown, key: string): (readonly [string, unknown])[] => {
  if (isNamedList(value)) return value.flatMap((each) => walk(each, `${key}.${each.name}`));
  if (typeof value !== "object" || value === null || Array.isArray(value) || "host" in value) return [[key, value]];
  return Object.entries(value).flatMap(([name, each]) => walk(each, key === "" ? name : `${key}.${name}`));
};

const isNamedList = (value: unknown): value is readonly { readonly name: string }[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((each: unknown) => typeof each === "object" && each !== null && "name" in each);

const lastKey = (key: string): string => key.slice(key.lastIndexOf(".") + 1);
const spellLeaf = (key: string, value: unknown): string => spell(lastKey(key), value);
const changed = (key: string, old: Leaves, now: Leaves): string =>
  `${key} ${spellLeaf(key, old.get(key))} -> ${spellLeaf(key, now.get(key))}`;

/** Sections whose entries come and go as a whole. */
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
    ...[...after].filter((name) => !before.has(name)).map((name) => `new ${what} ${name}`),
    ...[...before].filter((name) => !after.has(name)).map((name) => `${what} ${name} is gone`),
  ];
};

/** Its whole entry came or went, which is said already. */
const isOfWhole = (key: string, old: Leaves, now: Leaves): boolean =>
  WHOLES.some((section) => {
    if (key === section) return true;
    const name = key.startsWith(`${section}.`) ? key.slice(section.length + 1).split(".", 1)[0]! : undefined;
    return name !== undefined && namesIn(old, section).has(name) !== namesIn(now, section).has(name);
  });

/** Without what stands in them: numbers of people may. */
const examples = (before: Settings["tests"], after: Settings["tests"]): string[] =>
  before.length !== after.length
    ? [`tests ${counted(before.length, "example")} -> ${counted(after.length, "example")}`]
    : JSON.stringify(before) === JSON.stringify(after)
      ? []
      : ["tests: other examples"];

const contents = (now: Leaves, before: FilesRead, after: FilesRead): string[] =>
  [...now].flatMap(([key, value]) => {
    if (typeof value !== "string" || !after.has(value) || !before.has(value) || before.get(value) === after.get(value))
      return [];
    return `${key}: ${basename(value)} has changed`;
  });
