/** The rows about what separates tenants, and what they have in common. */
import type { BarrierFacts } from "../../../../admin/api/evidence/isolation.ts";
import { settingText } from "../../../../gateway/deciding-setting.ts";
import { codesOf, type Refusal } from "../../../../gateway/refusals.ts";
import type { Settings, TenantSettings } from "../../../../settings/schema/schema.ts";

export type Facts = Pick<Settings, "tenants" | "upstreams">;
export type At = { readonly value: TenantSettings; readonly at: number };

/** Names and settings that a row lists. */
export const MOST = 20;

export type Row = Omit<BarrierFacts, "tenants" | "settings" | "upstreams" | "refusedAs"> & {
  readonly of: readonly At[];
  readonly upstreams?: readonly string[];
  readonly settings?: readonly (readonly (string | number)[])[];
  readonly refusedAs?: string | null;
};

export const row = ({ of, upstreams = [], settings = [], refusedAs = null, ...rest }: Row): BarrierFacts => ({
  ...rest,
  upstreams: [...upstreams],
  tenants: { count: of.length, names: of.slice(0, MOST).map(({ value }) => value.name) },
  settings: settings.slice(0, MOST).map(settingText),
  refusedAs,
});

export const refused = (resources: string, ...refusals: readonly Refusal[]): string =>
  `${resources === "" ? "" : `resource:${resources} `}code:${[...codesOf(...refusals)].join(",")}`;

/** Alone: the gateway checks it all the same, but there is no other tenant. */
export const enforcedAmong = (tenants: readonly At[]): "enforced" | "alone" =>
  tenants.length > 1 ? "enforced" : "alone";

export const sharedUpstreams = (tenants: readonly At[]): readonly (readonly [string, readonly At[]])[] =>
  [...Map.groupBy(tenants, ({ value }) => value.upstream)].filter(([, of]) => of.length > 1);
