/**
 * Formats settings as written in a config file: `50/s`, `2s`, `64KiB`, `127.0.0.1:8443`. Secrets and the queries of web
 * addresses are masked.
 */
import { keysOfKind } from "./schema/schema-tree.ts";
import { HIDDEN, shownUrl, withoutCredentials } from "./view/hidden.ts";

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

/** The value in the largest unit that gives a whole number; a duration of 0 is `0s`. */
const inUnits = (value: number, units: readonly (readonly [string, number])[]): string => {
  if (value === 0 && units === PERIODS) return "0s";
  const [unit, size] = units.find(([, each]) => value % each === 0) ?? units.at(-1)!;
  return `${value / size}${unit}`;
};

/** `key`: the last part of the setting's path, which determines the kind of its value. */
export const formatValue = (key: string, value: unknown): string => {
  if (value === null || value === undefined) return "~";
  if (keysOfKind("secret").includes(key)) return HIDDEN;
  if (typeof value === "string" && keysOfKind("url").includes(key)) return shownUrl(value);
  if (typeof value === "number")
    return keysOfKind("duration").includes(key)
      ? inUnits(value, PERIODS)
      : keysOfKind("size").includes(key)
        ? inUnits(value, SIZES)
        : String(value);
  if (Array.isArray(value)) return `[${value.map((each) => formatValue(key, each)).join(", ")}]`;
  return typeof value === "object"
    ? formatMap(value as Readonly<Record<string, unknown>>)
    : withoutCredentials(String(value as string | boolean));
};

const formatMap = (value: Readonly<Record<string, unknown>>): string => {
  const { host, port, count, per_ms: period, rate, burst } = value;
  if (host !== undefined && port !== undefined) return hostWithPort(host as string, port as number);
  if (count !== undefined && period !== undefined)
    return `${String(count as number)}/${PERIODS.find(([, size]) => size === period)?.[0] ?? "?"}`;
  if (rate !== undefined && burst !== undefined)
    return `${formatValue("rate", rate)} (burst ${String(burst as number)})`;
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${name}: ${formatValue(name, each)}`)
    .join(", ")} }`;
};

const hostWithPort = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
