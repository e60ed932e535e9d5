/** Settings as they would be written in the file: `50/s`, `2s`, `64KiB`, `127.0.0.1:8443`. Secrets are never spelt out. */
import { keysOfKind } from "./outline.ts";

const PERIODS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;
const SIZES = [
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
  ["B", 1],
] as const;

/** The largest unit that gives a whole number; nothing is 0 seconds. */
const inUnits = (value: number, units: readonly (readonly [string, number])[]): string => {
  if (value === 0 && units === PERIODS) return "0s";
  const [unit, size] = units.find(([, each]) => value % each === 0) ?? units.at(-1)!;
  return `${value / size}${unit}`;
};

/** `key`: the last key of the setting, which tells what its value is. */
export const spell = (key: string, value: unknown): string => {
  if (value === null || value === undefined) return "~";
  if (keysOfKind("secret").includes(key)) return "•••";
  if (typeof value === "number")
    return keysOfKind("duration").includes(key)
      ? inUnits(value, PERIODS)
      : keysOfKind("size").includes(key)
        ? inUnits(value, SIZES)
        : String(value);
  if (Array.isArray(value)) return `[${value.map((each) => spell(key, each)).join(", ")}]`;
  return typeof value === "object"
    ? spellMap(value as Readonly<Record<string, unknown>>)
    : String(value as string | boolean);
};

const spellMap = (value: Readonly<Record<string, unknown>>): string => {
  const { host, port, count, per_ms: period, rate, burst } = value;
  if (host !== undefined && port !== undefined)
    return `${String(host as string).includes(":") ? `[${String(host as string)}]` : String(host as string)}:${String(port as number)}`;
  if (count !== undefined && period !== undefined)
    return `${String(count as number)}/${PERIODS.find(([, size]) => size === period)?.[0] ?? "?"}`;
  if (rate !== undefined && burst !== undefined) return `${spell("rate", rate)} (burst ${String(burst as number)})`;
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${name}: ${spell(name, each)}`)
    .join(", ")} }`;
};
