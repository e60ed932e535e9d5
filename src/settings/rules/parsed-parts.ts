/**
 * The input of the rules: all well-formed listeners, upstreams, tenants and sections, with their paths. So the rules
 * also check a file with malformed values elsewhere, and `check` shows all problems at once.
 */
import type { z } from "zod";
import { clientNames } from "../clients.ts";
import { valueAt } from "../schema/schema-problems.ts";
import type { Finding, Path } from "../problems/problem.ts";
import { admin } from "../schema/admin.ts";
import { audit } from "../schema/audit.ts";
import { identity } from "../schema/identity.ts";
import { listener } from "../schema/listeners.ts";
import type {
  settingsSchema,
  CallbacksSettings,
  ListenerSettings,
  Settings,
  TenantSettings,
  UpstreamSettings,
} from "../schema/schema.ts";
import { telemetry } from "../schema/receivers/telemetry.ts";
import { shared } from "../schema/shared.ts";
import { tenant } from "../schema/tenants.ts";
import { policyTest } from "../schema/tests.ts";
import { upstream } from "../schema/upstreams.ts";

export type Rule = (parts: ParsedParts) => readonly Finding[];

export type At<Value> = { readonly path: Path; readonly value: Value };

/** `lost`: the tenant's unknown keys, and its keys whose values were dropped as malformed, completely or in part. */
export type TenantAt = At<TenantSettings> & { readonly lost: readonly string[] };

/** True if the key may have been dropped as malformed or be misspelled, so that its absence proves nothing. */
export const mayMiss = ({ lost, value }: TenantAt, key: keyof TenantSettings): boolean =>
  lost.some((each) => each === key || !Object.hasOwn(value, each));

export type CallbacksAt = At<CallbacksSettings> & { readonly upstream: string };

export const callbacksIn = ({ upstreams }: Pick<ParsedParts, "upstreams">): readonly CallbacksAt[] =>
  upstreams.flatMap(({ path, value, name }) =>
    value.callbacks ? { path: [...path, "callbacks"], value: value.callbacks, upstream: name } : [],
  );

export type DestinationAt = At<Settings["audit"]["forward"][number]>;

export const destinationsIn = ({ audit }: Pick<ParsedParts, "audit">): readonly DestinationAt[] =>
  (audit?.value.forward ?? []).map((value, at) => ({ path: [...audit!.path, "forward", at], value }));

export const clientsAt = ({ tenants, upstreams }: Pick<ParsedParts, "tenants" | "upstreams">): ReadonlySet<string> =>
  clientNames(
    tenants.map(({ value }) => value),
    upstreams.map(({ value }) => value),
  );

export type ParsedParts = {
  readonly listeners: readonly At<ListenerSettings>[];
  readonly upstreams: readonly (At<UpstreamSettings> & { readonly name: string })[];
  /** The clients of all tenants, well formed or not. */
  readonly clientNames: ReadonlySet<string>;
  /** All names under `upstreams`, well formed or not. */
  readonly upstreamNames: readonly string[];
  readonly tenants: readonly TenantAt[];
  readonly tests: readonly At<Settings["tests"][number]>[];
  readonly identity: At<Settings["identity"]> | undefined;
  readonly audit: At<Settings["audit"]> | undefined;
  readonly admin: At<NonNullable<Settings["admin"]>> | undefined;
  readonly telemetry: At<Settings["telemetry"]> | undefined;
  readonly shared: At<NonNullable<Settings["shared"]>> | undefined;
  /** True if nothing was dropped as malformed, so that an absent value is missing in the file. */
  readonly whole: boolean;
  /** True if nothing of the tenants was dropped. */
  readonly tenantsWhole: boolean;
  /** True if a file of tenants could not be read: there are more tenants and clients than listed here. */
  readonly areTenantsLost: boolean;
  /** The paths that were dropped as malformed or unknown. */
  readonly lost: readonly Path[];
  /** True if the file has this setting, so that its value is not a default. */
  readonly states: (path: Path) => boolean;
};

/** `parsed`: the parsed config, if it is well formed. `whole`: true if nothing was dropped. */
type How = { readonly parsed?: Parsed | undefined; readonly whole: boolean; readonly areTenantsLost?: boolean };

export const gatherParts = (raw: unknown, { parsed, whole, areTenantsLost = false }: How): ParsedParts => {
  const parts = parsed ? partsOf(raw, parsed, whole) : partsOfMalformed(raw);
  if (!areTenantsLost) return parts;
  return {
    ...parts,
    whole: false,
    tenantsWhole: false,
    areTenantsLost,
    lost: [...parts.lost, ["tenants", listAt(raw, "tenants").length]],
  };
};

type Parsed = z.output<typeof settingsSchema>;

const statedIn =
  (raw: unknown): ParsedParts["states"] =>
  (path) =>
    valueAt(raw, path) !== undefined;

const partsOf = (raw: unknown, parsed: Parsed, whole: boolean): ParsedParts => {
  const at = <Value>(name: string, values: readonly Value[]): At<Value>[] =>
    values.map((value, index) => ({ path: [name, index], value }));
  return {
    listeners: at("listeners", parsed.listeners),
    upstreams: Object.entries(parsed.upstreams).map(([name, value]) => ({ path: ["upstreams", name], value, name })),
    upstreamNames: Object.keys(parsed.upstreams),
    clientNames: new Set(parsed.tenants.flatMap(({ clients }) => Object.keys(clients))),
    tenants: at("tenants", parsed.tenants).map((each) => ({ ...each, lost: [] })),
    tenantsWhole: parsed.tenants.length > 0,
    areTenantsLost: false,
    lost: [],
    tests: at("tests", parsed.tests),
    identity: { path: ["identity"], value: parsed.identity },
    audit: { path: ["audit"], value: parsed.audit },
    telemetry: { path: ["telemetry"], value: parsed.telemetry },
    admin: parsed.admin ? { path: ["admin"], value: parsed.admin } : undefined,
    shared: parsed.shared ? { path: ["shared"], value: parsed.shared } : undefined,
    whole,
    states: statedIn(raw),
  };
};

const partsOfMalformed = (raw: unknown): ParsedParts => {
  const upstreams = mapAt(raw, "upstreams");
  const allLost: Path[] = [];
  const parse = <Schema extends z.ZodType>(
    schema: Schema,
    given: unknown,
    path: Path,
  ): At<z.output<Schema>> | undefined => {
    const { value, lost } = dropMalformed(schema, given, STAND_INS[String(path[0])]);
    allLost.push(...lost.map((at) => [...path, ...at]));
    return value === undefined ? undefined : { path, value };
  };
  const section = <Schema extends z.ZodType>(schema: Schema, name: string): At<z.output<Schema>> | undefined =>
    parse(schema, valueAt(raw, [name]) ?? {}, [name]);
  const list = <Schema extends z.ZodType>(schema: Schema, name: string): At<z.output<Schema>>[] =>
    listAt(raw, name).flatMap((value, index) => parse(schema, value, [name, index]) ?? []);
  const tenants = listAt(raw, "tenants").map((value, index) => tenantAt(value, ["tenants", index]));
  allLost.push(...tenants.flatMap((each) => each?.at ?? []));
  return {
    listeners: list(listener, "listeners"),
    upstreams: Object.entries(upstreams).flatMap(([name, value]) => {
      const one = parse(upstream, value, ["upstreams", name]);
      return one ? [{ ...one, name }] : [];
    }),
    upstreamNames: Object.keys(upstreams),
    clientNames: new Set(listAt(raw, "tenants").flatMap((tenant) => Object.keys(mapAt(tenant, "clients")))),
    tenants: tenants.flatMap((each) => each?.tenant ?? []),
    tenantsWhole: tenants.length > 0 && tenants.every((each) => each?.at.length === 0),
    tests: list(policyTest, "tests"),
    identity: section(identity, "identity"),
    audit: section(audit, "audit"),
    admin: section(admin, "admin"),
    telemetry: section(telemetry, "telemetry"),
    shared: Object.keys(mapAt(raw, "shared")).length > 0 ? section(shared, "shared") : undefined,
    whole: false,
    areTenantsLost: false,
    lost: allLost,
    states: statedIn(raw),
  };
};

const tenantAt = (
  raw: unknown,
  path: Path,
): { readonly tenant: TenantAt; readonly at: readonly Path[] } | undefined => {
  const { value, lost } = dropMalformed(tenant, raw, STAND_INS["tenants"]);
  return (
    value && { tenant: { path, value, lost: lost.map(([key]) => String(key)) }, at: lost.map((at) => [...path, ...at]) }
  );
};

/**
 * Replacements for malformed required values, so that the rest of their section is checked. They break no rule
 * themselves, and no finding refers to them.
 */
const STAND_INS: Readonly<Record<string, readonly (readonly [path: Path, value: string | number])[]>> = {
  listeners: [
    [["bind"], "127.0.0.1:0"],
    [["tls"], "none"],
  ],
  upstreams: [[["primary"], "http://127.0.0.1:1"]],
  tenants: [[["dbid"], 2_147_483_647]],
  shared: [
    [["postgres"], "postgresql://malformed@127.0.0.1/malformed"],
    [["tls"], "none"],
  ],
  audit: [
    [["dir"], "malformed"],
    [["index_key"], "-".repeat(64)],
    [["checkpoint", "key"], "malformed"],
    [["checkpoint", "origin"], "malformed.invalid"],
  ],
};

type StandIns = (typeof STAND_INS)[string];

/** Replaces or drops malformed values until the rest is well formed; as few as possible. */
const dropMalformed = <Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  standIns: StandIns = [],
): { readonly value: z.output<Schema> | undefined; readonly lost: readonly Path[] } => {
  const first = schema.safeParse(raw);
  if (first.success) return { value: first.data, lost: [] };
  const rest: unknown = structuredClone(raw);
  const lost: Path[] = [];
  for (let left = 0; left <= DEEPEST; left++) {
    const result = schema.safeParse(rest);
    if (result.success) return { value: result.data, lost };
    const faults = result.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
    ) as Path[];
    lost.push(...faults);
    if (!faults.every((path) => replace(rest, path, standIns) || drop(rest, path))) break;
  }
  return { value: undefined, lost };
};

/** Replaces the value; false if there is no replacement. */
const replace = (from: unknown, path: Path, standIns: StandIns): boolean => {
  const found = standIns.find(([at]) => at.length <= path.length && at.every((part, index) => part === path[index]));
  const holder = found && (found[0].length === 1 ? from : valueAt(from, found[0].slice(0, -1)));
  if (!found || typeof holder !== "object" || holder === null) return false;
  return Reflect.set(holder, found[0].at(-1)!, found[1]);
};

/** Maximum rounds, more than the nesting of settings: each round drops one level around a missing value. */
const DEEPEST = 8;

/** Removes the malformed key; for a list entry the whole list, so that other indexes stay valid. */
const drop = (from: unknown, path: Path): boolean => {
  for (let length = path.length; length > 0; length--) {
    const key = path[length - 1];
    const holder = length === 1 ? from : valueAt(from, path.slice(0, length - 1));
    if (typeof key !== "string" || typeof holder !== "object" || holder === null || !Object.hasOwn(holder, key))
      continue;
    return Reflect.deleteProperty(holder, key);
  }
  // It may have been removed because of an earlier issue of this round.
  return path.length > 1;
};

const listAt = (raw: unknown, name: string): readonly unknown[] => {
  const value = valueAt(raw, [name]);
  return Array.isArray(value) ? (value as unknown[]) : [];
};

const mapAt = (raw: unknown, name: string): Readonly<Record<string, unknown>> => {
  const value = valueAt(raw, [name]);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
};
