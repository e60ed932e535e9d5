/** What cannot change while the gateway runs, by name: what outlives every reading of the config file was made with it. */
import type { Finding, Path } from "./problem.ts";
import type { Settings } from "./schema.ts";

const FIXED: readonly Path[] = [
  ["audit", "dir"], ["audit", "on_failure"], ["audit", "durability"], ["audit", "checkpoint"], ["audit", "retention"], ["audit", "postgres"],
  ["shared"], ["admin", "bind"], ["admin", "users"],
];

export const needsRestart = (before: Settings, after: Settings): readonly Finding[] => [
  ...FIXED.filter((path) => text(before, path) !== text(after, path)).map(refusal),
  ...((before.admin?.tls ?? "none") === "none") !== ((after.admin?.tls ?? "none") === "none") ? [refusal(["admin", "tls"])] : [],
  ...listenersTls(before, after),
  ...callbacks(before, after),
];

const refusal = (path: Path): Finding =>
  ({ code: "OCSGW-6281", path, message: `${path.filter((part) => typeof part === "string").join(".")} cannot change while the gateway runs: that needs a restart`, help: "take it back, or restart the gateway with this file" });

const text = (settings: unknown, path: Path): string =>
  JSON.stringify(path.reduce<unknown>((at, part) => (at as Readonly<Record<string, unknown>> | null)?.[part], settings)) ?? "";

/** At the same address: with TLS from now on, or without. */
const listenersTls = (before: Settings, after: Settings): readonly Finding[] =>
  after.listeners.flatMap(({ bind, tls }, at) => {
    const was = before.listeners.find((each) => each.bind.port !== 0 && JSON.stringify(each.bind) === JSON.stringify(bind));
    return was && (was.tls === "none") !== (tls === "none") ? refusal(["listeners", at, "tls"]) : [];
  });

const callbacks = (before: Settings, after: Settings): readonly Finding[] =>
  [...new Set([...Object.keys(before.upstreams), ...Object.keys(after.upstreams)])]
    .filter((name) => JSON.stringify(before.upstreams[name]?.callbacks ?? null) !== JSON.stringify(after.upstreams[name]?.callbacks ?? null))
    .map((name) => refusal(["upstreams", name, "callbacks"]));
