/** What a config says about one upstream and its tenants, also while placeholders make it invalid. */
import { dirname, resolve } from "node:path";
import type { ConfigEdit } from "../../settings/edit/config-edit.ts";
import { originOf } from "../../settings/files/origin.ts";
import { interpolate } from "../../settings/interpolate.ts";
import { mapPaths } from "../../settings/schema/schema-tree.ts";
import type { UpstreamSettings } from "../../settings/schema/schema.ts";
import { upstream as upstreamSchema } from "../../settings/schema/upstreams.ts";
import { fillIn } from "../../settings/yaml.ts";
import { NOT_VALID, WRONG_USAGE } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";
import type { Group } from "./match.ts";
import type { KnownTenant } from "./plan.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Of the upstream that is named, or of the only one. Throws Stop. */
export const upstreamOf = (
  edit: ConfigEdit,
  { file, wanted, env }: { readonly file: string; readonly wanted: string | undefined; readonly env: Env },
): { readonly name: string; readonly upstream: UpstreamSettings } => {
  const all = edit.get(["upstreams"]);
  const names = typeof all === "object" && all !== null ? Object.keys(all) : [];
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined || !names.includes(name))
    throw new Stop(
      WRONG_USAGE,
      name === undefined
        ? `${file} has the upstreams ${names.join(", ") || "none"}: choose one with --upstream NAME`
        : `${file} has no upstream ${name}; it has ${names.join(", ") || "none"}`,
    );
  return { name, upstream: parsedUpstream(file, { name, value: edit.get(["upstreams", name]), env }) };
};

const parsedUpstream = (
  file: string,
  { name, value, env }: { readonly name: string; readonly value: unknown; readonly env: Env },
): UpstreamSettings => {
  const filled = fillIn(value, (text) => interpolate(text, originOf(file, env)));
  const result = upstreamSchema.safeParse(filled.value);
  if (filled.findings.length > 0 || !result.success)
    throw new Stop(
      NOT_VALID,
      `upstreams.${name} of ${file} is not valid: ` +
        (filled.findings[0]?.message ?? result.error?.issues[0]?.message ?? "see ocsgw check"),
    );
  const base = dirname(resolve(file));
  const { upstreams } = mapPaths({ upstreams: { [name]: result.data } }, (path) => resolve(base, path)) as {
    readonly upstreams: Readonly<Record<string, UpstreamSettings>>;
  };
  return upstreams[name]!;
};

/** The upstream of --upstream URL. Paths are relative to the working directory. Throws Stop. */
export const upstreamAt = (
  address: string,
  tls: Readonly<Record<"ca" | "cert" | "key" | "server_name", string | undefined>>,
): UpstreamSettings => {
  const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
  const result = upstreamSchema.safeParse({ primary: address, tls: given });
  if (!result.success) throw new Stop(WRONG_USAGE, `--upstream: ${result.error.issues[0]!.message}`);
  return result.data;
};

/** The tenants of the upstream, as the config states them. */
export const tenantsOf = (edit: ConfigEdit, upstream: string): readonly KnownTenant[] =>
  edit
    .tenants()
    .filter(({ value }) => value["upstream"] === upstream)
    .map(({ path, value }) => ({
      path,
      name: plain(value["name"]),
      dbid: numberIn(value["dbid"]),
      groups: (Array.isArray(value["campaign_groups"]) ? (value["campaign_groups"] as unknown[]) : []).map(groupIn),
    }));

const groupIn = (value: unknown): Group => {
  const group = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  return {
    name: plain(group["name"]),
    dbid: numberIn(group["dbid"]),
    campaignId: numberIn(group["campaign_id"]),
    groupId: numberIn(group["group_id"]),
  };
};

/** $${ stands for ${ in a config. */
const plain = (value: unknown): string => (typeof value === "string" ? value.replaceAll("$${", "${") : "");

const numberIn = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
