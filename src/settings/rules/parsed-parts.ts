/**
 * What the rules look at: of every listener, upstream, tenant and section what is well formed, each with its path. A file with a mistake in one
 * place still gets its contradictions told elsewhere, so that all problems are told at once.
 */
import type { z } from "zod";
import { clientNames } from "./clients.ts";
import { valueAt } from "./issues.ts";
import type { Path } from "./problem.ts";
import { admin, audit } from "./schema-audit.ts";
import { identity } from "./schema-identity.ts";
import { listener } from "./schema-listeners.ts";
import type {
  settingsSchema,
  CallbacksSettings,
  ListenerSettings,
  Settings,
  TenantSettings,
  UpstreamSettings,
} from "./schema.ts";
import { tenant } from "./schema-tenants.ts";
import { policyTest } from "./schema-tests.ts";
import { upstream } from "./schema-upstreams.ts";

export type At<Value> = { readonly path: Path; readonly value: Value };

/** `lost`: keys of the tenant whose values were left out, wholly or in part, for being malformed, and keys that are unknown. */
export type TenantAt = At<TenantSettings> & { readonly lost: readonly string[] };

/** True when the tenant may well have meant to say something there: then nothing follows from its absence. */
export const mayMiss = ({ lost, value }: TenantAt, key: keyof TenantSettings): boolean =>
  lost.some((each) => each === key || !Object.hasOwn(value, each));

export type CallbacksAt = At<CallbacksSettings> & { readonly upstream: string };

export const callbacksIn = ({ upstreams }: Pick<Facts, "upstreams">): readonly CallbacksAt[] =>
  upstreams.flatMap(({ path, value, name }) =>
    value.callbacks ? { path: [...path, "callbacks"], value: value.callbacks, upstream: name } : [],
  );

export const clientsAt = ({ tenants, upstreams }: Pick<Facts, "tenants" | "upstreams">): ReadonlySet<string> =>
  clientNames(
    tenants.map(({ value }) => value),
    upstreams.map(({ value }) => value),
  );

export type Facts = {
  readonly listeners: readonly At<ListenerSettings>[];
  readonly upstreams: readonly (At<UpstreamSettings> & { readonly name: string })[];
  /** Every client that stands under a tenant, well formed or not. */
  readonly clientNames: ReadonlySet<string>;
  /** Every name that stands under `upstreams`, well formed or not. */
  readonly upstreamNames: readonly string[];
  readonly tenants: readonly TenantAt[];
  readonly tests: readonly At<Settings["tests"][number]>[];
  readonly identity: At<Settings["identity"]> | undefined;
  readonly audit: At<Settings["audit"]> | undefined;
  readonly admin: At<NonNullable<Settings["admin"]>> | undefined;
  /** Nothing was left out for being malformed: only then does absence mean anything. */
  readonly whole: boolean;
  /** The same of the tenants alone. */
  readonly tenantsWhole: boolean;
  /** There are more tenants, and nothing is known of them, nor of their clients. */
  readonly areTenantsLost: boolean;
  /** Where something was left out for being malformed or unknown. */
  readonly lost: readonly Path[];
  /** True when the file itself says it, and it is no default. */
  readonly states: (path: Path) => boolean;
};

/** `parsed`: the same, where all of it is well formed. `whole`: nothing of it is missing. */
type How = { readonly parsed?: Parsed | undefined; readonly whole: boolean; readonly areTenantsLost?: boolean };

export const gather = (raw: unknown, { parsed, whole, areTenantsLost = false }: How): Facts => {
  const facts = parsed ? factsOf(raw, parsed, whole) : gatherFrom(raw);
  if (!areTenantsLost) return facts;
  return {
    ...facts,
    whole: false,
    tenantsWhole: false,
    areTenantsLost,
    lost: [...facts.lost, ["tenants", listAt(raw, "tenants").length]],
  };
};

type Parsed = z.output<typeof settingsSchema>;

const statedIn =
  (raw: unknown): Facts["states"] =>
  (path) =>
    valueAt(raw, path) !== undefined;

const factsOf = (raw: unknown, parsed: Parsed, whole: boolean): Facts => {
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
    admin: parsed.admin ? { path: ["admin"], value: parsed.admin } : undefined,
    whole,
    states: statedIn(raw),
  };
};

const gatherFrom = (raw: unknown): Facts => {
  const upstreams = mapAt(raw, "upstreams");
  const allLost: Path[] = [];
  const parse = <Schema extends z.ZodType>(
    schema: Schema,
    given: unknown,
    path: Path,
  ): At<z.output<Schema>> | undefined => {
    const { value, lost } = mend(schema, given, STAND_INS[String(path[0])]);
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
  const { value, lost } = mend(tenant, raw, STAND_INS["tenants"]);
  return (
    value && { tenant: { path, value, lost: lost.map(([key]) => String(key)) }, at: lost.map((at) => [...path, ...at]) }
  );
};

/**
 * What stands for a needed value that is malformed, so that the rest of its section is looked at all the same: by itself none of them is
 * at fault, and nothing is told at the place of what it stands for.
 */
const STAND_INS: Readonly<Record<string, readonly (readonly [path: Path, value: string | number])[]>> = {
  listeners: [
    [["bind"], "127.0.0.1:0"],
    [["tls"], "none"],
  ],
  upstreams: [[["primary"], "http://127.0.0.1:1"]],
  tenants: [[["dbid"], 2_147_483_647]],
  audit: [
    [["dir"], "malformed"],
    [["index_key"], "-".repeat(64)],
    [["checkpoint", "key"], "malformed"],
    [["checkpoint", "origin"], "malformed.invalid"],
  ],
};

type StandIns = (typeof STAND_INS)[string];

/** Leaves out what is malformed, as little as will do, until the rest is well formed. */
const mend = <Schema extends z.ZodType>(
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

/** The value there, or the entry of a list, by what stands for it. */
const replace = (from: unknown, path: Path, standIns: StandIns): boolean => {
  const found = standIns.find(([at]) => at.length <= path.length && at.every((part, index) => part === path[index]));
  const holder = found && (found[0].length === 1 ? from : valueAt(from, found[0].slice(0, -1)));
  if (!found || typeof holder !== "object" || holder === null) return false;
  return Reflect.set(holder, found[0].at(-1)!, found[1]);
};

/** More rounds than a tenant's settings are deep: a missing value takes what it stands in with it, round by round. */
const DEEPEST = 8;

/** Takes out the key that holds the fault: entries of a list go with their list, so that the others keep their places. */
const drop = (from: unknown, path: Path): boolean => {
  for (let length = path.length; length > 0; length--) {
    const key = path[length - 1];
    const holder = length === 1 ? from : valueAt(from, path.slice(0, length - 1));
    if (typeof key !== "string" || typeof holder !== "object" || holder === null || !Object.hasOwn(holder, key))
      continue;
    return Reflect.deleteProperty(holder, key);
  }
  // An earlier fault of this round may have taken it already.
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
