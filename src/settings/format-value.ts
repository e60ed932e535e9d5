/**
 * Formats settings as written in a config file: `50/s`, `2s`, `64KiB`, `127.0.0.1:8443`. Secrets and the queries of web
 * addresses are masked.
 */
import type { Path } from "./problems/problem.ts";
import { isOfKind, nodesAt, step, type Node } from "./schema/schema-tree.ts";
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

/** `path`: where the setting is in the config, which determines the kind of its value; any index for a list's item. */
export const formatValue = (path: Path, value: unknown): string => formatAt(nodesAt(path), value);

const formatAt = (nodes: readonly Node[], value: unknown): string => {
  if (value === null || value === undefined) return "~";
  if (isOfKind(nodes, "secret")) return HIDDEN;
  if (typeof value === "string" && isOfKind(nodes, "url")) return shownUrl(value);
  if (typeof value === "number")
    return isOfKind(nodes, "duration")
      ? inUnits(value, PERIODS)
      : isOfKind(nodes, "size")
        ? inUnits(value, SIZES)
        : String(value);
  if (Array.isArray(value)) return `[${value.map((each) => formatAt(step(nodes, 0), each)).join(", ")}]`;
  return typeof value === "object"
    ? formatMap(nodes, value as Readonly<Record<string, unknown>>)
    : withoutCredentials(String(value as string | boolean));
};

const formatMap = (nodes: readonly Node[], value: Readonly<Record<string, unknown>>): string => {
  const { host, port, count, per_ms: period, rate, burst } = value;
  if (host !== undefined && port !== undefined) return hostWithPort(host as string, port as number);
  if (count !== undefined && period !== undefined)
    return `${String(count as number)}/${PERIODS.find(([, size]) => size === period)?.[0] ?? "?"}`;
  if (rate !== undefined && burst !== undefined) return `${formatAt([], rate)} (burst ${String(burst as number)})`;
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${name}: ${formatAt(step(nodes, name), each)}`)
    .join(", ")} }`;
};

const hostWithPort = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
