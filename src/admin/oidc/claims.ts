/**
 * Reads who a user is, and with which roles and tenants, from the claims of an OpenID provider. What is missing, of
 * another type or unknown gives nothing; a user without any role, or without any tenant where tenants are read, may not
 * log in. No sentence here repeats a value.
 */
import { ROLES, type Role, type Viewer } from "../viewer.ts";
import type { ClaimPath, ClaimSettings } from "./settings.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** What the provider says about a user, as far as it matters here. */
export type Claimed = {
  readonly user: string;
  readonly roles: readonly string[];
  /** Undefined where the config names no claim for them. */
  readonly tenants: readonly (string | number)[] | undefined;
};

/** Why these claims let nobody in. */
export class ClaimFault {
  readonly sentence: string;
  readonly user: string | undefined;
  constructor(sentence: string, user?: string) {
    this.sentence = sentence;
    this.user = user;
  }
}

export type Rights = Pick<Viewer, "roles" | "tenants">;

/** Whether one of the claims that the config names is not among these. */
export const isIncomplete = (claims: Claims, { claims: named }: ClaimSettings): boolean =>
  [named.user, named.role, ...(named.tenants === null ? [] : [named.tenants])].some(
    (path) => valueAt(claims, path) === undefined,
  );

/** `all`: of the ID token first; a claim that it lacks is looked for in the next. */
export const readClaims = (all: readonly Claims[], { claims: named }: ClaimSettings): Claimed | ClaimFault => {
  const value = (path: ClaimPath): unknown =>
    all.map((claims) => valueAt(claims, path)).find((each) => each !== undefined);
  const user = value(named.user);
  if (user === undefined) return missing(named.user);
  if (typeof user !== "string" || !USER.test(user) || user.trim() !== user)
    return new ClaimFault(`the claim ${nameOf(named.user)} is not a name of 1 to 64 characters`);
  const roles = value(named.role);
  if (roles === undefined) return missing(named.role, user);
  const texts = listOf(roles, isText);
  if (!texts) return new ClaimFault(`the claim ${nameOf(named.role)} is neither a text nor a list of texts`, user);
  if (named.tenants === null) return { user, roles: texts, tenants: undefined };
  const tenants = value(named.tenants);
  if (tenants === undefined) return missing(named.tenants, user);
  const listed = listOf(tenants, isTenant);
  return listed
    ? { user, roles: texts, tenants: listed }
    : new ClaimFault(`the claim ${nameOf(named.tenants)} is not a list of names or DBIDs of tenants`, user);
};

/** What the user may do by the config in force. */
export const rightsOf = ({ user, roles, tenants }: Claimed, settings: ClaimSettings): Rights | ClaimFault => {
  const given = ROLES.filter((role) => settings.roles[role].some((value) => roles.includes(value)));
  if (given.length === 0)
    return new ClaimFault(
      `no value of the claim ${nameOf(settings.claims.role)} gives a role here (admin.oidc.roles)`,
      user,
    );
  if (settings.claims.tenants === null) return { roles: given, tenants: "all" };
  // Claims that were read without tenants give none.
  const dbids = tenants === undefined ? [] : tenantsOf(tenants, settings);
  return dbids === "all" || dbids.length > 0
    ? { roles: given, tenants: dbids }
    : new ClaimFault(`no value of the claim ${nameOf(settings.claims.tenants)} is a tenant of this gateway`, user);
};

/** True if the user keeps every one of these roles. */
export const keepsRoles = ({ roles }: Rights, before: readonly Role[]): boolean =>
  before.every((role) => roles.includes(role));

/**
 * A number is a DBID. A text is a name; if no tenant has it, it may be a DBID in digits; if it is the name of one
 * tenant and the DBID of another, it is neither. Where tenants of two OCS have the same DBID, names give it only
 * together.
 */
const tenantsOf = (
  values: readonly (string | number)[],
  { tenants, all_tenants: all }: ClaimSettings,
): Viewer["tenants"] => {
  const given = new Set(values);
  if (all !== null && given.has(all)) return "all";
  const byDbid = Map.groupBy(tenants, ({ dbid }) => dbid);
  const names = new Set(tenants.map(({ name }) => name));
  const isNamed = ({ name, dbid }: ClaimSettings["tenants"][number]): boolean =>
    given.has(name) && !(DIGITS.test(name) && Number(name) !== dbid && byDbid.has(Number(name)));
  const isNumbered = (dbid: number): boolean =>
    given.has(dbid) || (given.has(String(dbid)) && !names.has(String(dbid)));
  return [...byDbid].flatMap(([dbid, those]) => (isNumbered(dbid) || those.every(isNamed) ? dbid : []));
};

const DIGITS = /^[1-9]\d*$/;

/** Nothing invisible: the name stands in the journal, and on pages. */
const USER = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

const isTenant = (value: unknown): value is string | number => isText(value) || Number.isSafeInteger(value);

/** One value counts as a list of one. Undefined if a value is of another type. */
const listOf = <Value>(given: unknown, fits: (value: unknown) => value is Value): readonly Value[] | undefined => {
  const values: readonly unknown[] = Array.isArray(given) ? given : [given];
  return values.every(fits) ? values : undefined;
};

/** Undefined also for null. */
const valueAt = (claims: Claims, path: ClaimPath): unknown => {
  let at: unknown = claims;
  for (const name of typeof path === "string" ? [path] : path) {
    if (typeof at !== "object" || at === null || Array.isArray(at) || !Object.hasOwn(at, name)) return undefined;
    at = (at as Claims)[name];
  }
  return at ?? undefined;
};

const missing = (path: ClaimPath, user?: string): ClaimFault =>
  new ClaimFault(`the claim ${nameOf(path)} is missing`, user);

const nameOf = (path: ClaimPath): string =>
  (typeof path === "string" ? [path] : path).map((name) => JSON.stringify(name)).join(" in ");
