/** What cannot change while the gateway runs, by name: what outlives every reading of the config file was made with it. */
import type { Finding, Path } from "./problem.ts";
import { dbidsOf } from "./register.ts";
import type { Settings, TenantSettings } from "./schema.ts";

/** What of the settings it looks at. `tenants`: those that a registrar may name, at least. */
export type Fixed = Pick<Settings, "listeners" | "upstreams" | "audit" | "admin"> & {
  readonly tenants: readonly Pick<TenantSettings, "name" | "dbid" | "upstream">[];
};

/** No more of the tenants than it looks at. */
export const fixedOf = ({ listeners, upstreams, audit, admin, tenants }: Settings): Fixed => {
  const named = new Map(
    Object.entries(upstreams).map(([name, { callbacks }]) => [
      name,
      new Set(callbacks?.registrars.flatMap((registrar) => registrar.tenants) ?? []),
    ]),
  );
  const those = tenants.filter(({ upstream, name }) => named.get(upstream)?.has(name));
  return {
    listeners,
    upstreams,
    audit,
    admin,
    tenants: those.map(({ name, dbid, upstream }) => ({ name, dbid, upstream })),
  };
};

/** Of these sections everything else was made at the start. */
const MAY_CHANGE: Readonly<Record<"audit" | "admin", readonly string[]>> = {
  audit: ["redact", "index_key", "retention", "legal_hold", "compress_after"],
  admin: ["tls", "names"],
};

export const needsRestart = (before: Fixed, after: Fixed): readonly Finding[] => [
  ...sections(before, after),
  ...(((before.admin?.tls ?? "none") === "none") !== ((after.admin?.tls ?? "none") === "none")
    ? [refusal(["admin", "tls"])]
    : []),
  ...listenersTls(before, after),
  ...callbacks(before, after),
];

const sections = (before: Fixed, after: Fixed): readonly Finding[] =>
  (["audit", "admin"] as const).flatMap((section) => {
    const [old, now] = [before[section] as Section, after[section] as Section];
    if (old === null || now === null) return old === now ? [] : [refusal([section])];
    return [...new Set([...Object.keys(old), ...Object.keys(now)])]
      .filter((key) => !MAY_CHANGE[section].includes(key) && JSON.stringify(old[key]) !== JSON.stringify(now[key]))
      .map((key) => refusal([section, key]));
  });

type Section = Readonly<Record<string, unknown>> | null;

const refusal = (path: Path): Finding => ({
  code: "OCSGW-6281",
  path,
  message: `${path.filter((part) => typeof part === "string").join(".")} cannot change while the gateway runs: that needs a restart`,
  help: "take it back, or restart the gateway with this file",
});

/** At the same address: with TLS from now on, or without. */
const listenersTls = (before: Fixed, after: Fixed): readonly Finding[] =>
  after.listeners.flatMap(({ bind, tls }, at) => {
    const was = before.listeners.find(
      (each) => each.bind.port !== 0 && JSON.stringify(each.bind) === JSON.stringify(bind),
    );
    return was && (was.tls === "none") !== (tls === "none") ? refusal(["listeners", at, "tls"]) : [];
  });

const callbacks = (before: Fixed, after: Fixed): readonly Finding[] =>
  [...new Set([...Object.keys(before.upstreams), ...Object.keys(after.upstreams)])]
    .filter((name) => JSON.stringify(meant(before, name)) !== JSON.stringify(meant(after, name)))
    .map((name) => refusal(["upstreams", name, "callbacks"]));

/** With whom its registrars may name: the same list means somebody else when two tenants exchange their names. */
const meant = (settings: Fixed, name: string): unknown => {
  const callbacks = settings.upstreams[name]?.callbacks ?? null;
  return [callbacks, callbacks?.registrars.map(({ tenants }) => [...dbidsOf(settings, name, tenants)])];
};
