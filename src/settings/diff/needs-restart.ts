/** Rejects changes that need a restart, because a reload keeps the parts made from these settings. */
import { pathText, type Finding, type Path } from "../problems/problem.ts";
import { dbidsOf } from "../to-tenants.ts";
import type { Settings, TenantSettings } from "../schema/schema.ts";

/** The settings that need a restart. `tenants`: at least those that a registrar may name. */
export type Fixed = Pick<Settings, "listeners" | "upstreams" | "audit" | "admin" | "shared" | "node"> & {
  readonly tenants: readonly Pick<TenantSettings, "name" | "dbid" | "upstream">[];
};

/** Reduces the settings to those that need a restart. */
export const fixedOf = ({ listeners, upstreams, audit, admin, shared, node, tenants }: Settings): Fixed => {
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
    shared,
    node,
    tenants: those.map(({ name, dbid, upstream }) => ({ name, dbid, upstream })),
  };
};

/** The keys of these sections that may change while the gateway runs; all others need a restart. */
const MAY_CHANGE: Readonly<Record<"audit" | "admin" | "shared", readonly string[]>> = {
  audit: ["redact", "index_key", "retention", "legal_hold", "compress_after", "forward"],
  admin: ["tls", "names", "look_ups", "users", "oidc"],
  shared: ["peers"],
};

export const needsRestart = (before: Fixed, after: Fixed): readonly Finding[] => [
  ...sections(before, after),
  ...(before.node === after.node ? [] : [restartNeeded(["node"])]),
  ...(((before.admin?.tls ?? "none") === "none") !== ((after.admin?.tls ?? "none") === "none")
    ? [restartNeeded(["admin", "tls"])]
    : []),
  ...listenersTls(before, after),
  ...callbacks(before, after),
];

const sections = (before: Fixed, after: Fixed): readonly Finding[] =>
  (["audit", "admin", "shared"] as const).flatMap((section) => {
    const [old, now] = [before[section] as Section, after[section] as Section];
    if (old === null || now === null) return old === now ? [] : [restartNeeded([section])];
    return [...new Set([...Object.keys(old), ...Object.keys(now)])]
      .filter((key) => !MAY_CHANGE[section].includes(key) && JSON.stringify(old[key]) !== JSON.stringify(now[key]))
      .map((key) => restartNeeded([section, key]));
  });

type Section = Readonly<Record<string, unknown>> | null;

/** `what`: the setting in words, if its path does not say enough. */
const restartNeeded = (path: Path, what: string = pathText(path)): Finding => ({
  code: "OCSGW-6281",
  path,
  message: `${what} cannot change while the gateway runs; the change needs a restart`,
  help: "undo the change, or restart the gateway with this file",
});

/** Reports a listener whose TLS was turned on or off at the same address. */
const listenersTls = (before: Fixed, after: Fixed): readonly Finding[] =>
  after.listeners.flatMap(({ bind, tls }, at) => {
    const was = before.listeners.find(
      (each) => each.bind.port !== 0 && JSON.stringify(each.bind) === JSON.stringify(bind),
    );
    return was && (was.tls === "none") !== (tls === "none") ? restartNeeded(["listeners", at, "tls"]) : [];
  });

const callbacks = (before: Fixed, after: Fixed): readonly Finding[] =>
  [...new Set([...Object.keys(before.upstreams), ...Object.keys(after.upstreams)])]
    .filter(
      (name) =>
        JSON.stringify(callbacksWithTenants(before, name)) !== JSON.stringify(callbacksWithTenants(after, name)),
    )
    .map((name) => {
      const path = ["upstreams", name, "callbacks"];
      const isStated =
        JSON.stringify(before.upstreams[name]?.callbacks) !== JSON.stringify(after.upstreams[name]?.callbacks);
      return restartNeeded(path, isStated ? undefined : `the tenants that the registrars of ${pathText(path)} name`);
    });

/** Includes the DBIDs of the registrars' tenants, because a tenant's name may move to another tenant. */
const callbacksWithTenants = (settings: Fixed, name: string): unknown => {
  const callbacks = settings.upstreams[name]?.callbacks ?? null;
  return [callbacks, callbacks?.registrars.map(({ tenants }) => [...dbidsOf(settings, name, tenants)])];
};
