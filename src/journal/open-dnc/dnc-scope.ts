/**
 * When a Do-Not-Call is open: a known client asked for it, and OCS has not answered 200 since for the same subject and
 * the same or a wider scope.
 *
 * The subject is the person within one tenant of one OCS: the phone's token, else the customer id's, else the record
 * handle, which identifies a record only within one epoch of that OCS. The index and the counter in memory both follow
 * these rules.
 */
import type { Entry, Intent, OpenDnc, Refusal } from "../entry.ts";
import { operationFields, callerFields, type Fields } from "../search/transaction.ts";

/**
 * Campaign "": all campaigns of the tenant. List "": all lists of the campaign. Chain: the record only, its chain, or
 * "" if the request did not say.
 */
export type Scope = readonly [campaign: string, list: string, chain: string];

export type DoNotCall = {
  readonly entry: Intent | Refusal | OpenDnc;
  /** What this request opens; undefined when its client is unknown, or when it names no subject. */
  readonly opens: Opened | undefined;
  /** What OCS's 200 for this request closes: for these subjects, every scope that this one covers. */
  readonly closes: Closing;
};

/** `tenant`: its name; null if the request did not name one. */
export type Opened = {
  readonly subject: string;
  readonly scope: Scope;
  readonly tenant: string | null;
  readonly client: string;
};
export type Closing = { readonly subjects: readonly string[]; readonly scope: Scope };

const ACTION = "DoNotCall";

/** Undefined for all other entries. */
export const doNotCallOf = (entry: Entry): DoNotCall | undefined => {
  if ((entry.kind !== "intent" && entry.kind !== "refusal" && entry.kind !== "open-dnc") || entry.action !== ACTION)
    return undefined;
  const what = operationFields(entry);
  const { tenant, client } = callerFields(entry);
  const scope: Scope = [what.campaign ?? "", what.list ?? "", chainOf("body" in entry ? entry.body : undefined)];
  const { upstream = "", epoch } = entry;
  const person =
    what.phone === undefined
      ? what.customer === undefined
        ? undefined
        : ["customer", what.customer]
      : ["phone", what.phone];
  const record = what.record === undefined ? undefined : ["record", epoch ?? null, what.record];
  const owner: Owner = tenant ? ownerOf(tenant, upstream) : ["?", client ?? ""];
  const first = person ?? record;
  return {
    entry,
    opens:
      client === undefined || first === undefined
        ? undefined
        : { subject: written(owner, first), scope, tenant: tenant?.name ?? null, client },
    closes: {
      subjects: [
        ...(person ? [owner, ...otherwiseOf(owner, tenant, client)].map((each) => written(each, person)) : []),
        ...(record ? [written(owner, record)] : []),
      ],
      scope,
    },
  };
};

export const isConfirmed = ({ origin, status, suspected }: Pick<Fields, "origin" | "status" | "suspected">): boolean =>
  origin === "ocs" && status === 200 && suspected !== true;

/** A wider scope closes a narrower one, never the reverse. */
export const covers = (closed: Scope, open: Scope): boolean =>
  (closed[0] === "" || closed[0] === open[0]) &&
  (closed[1] === "" || closed[1] === open[1]) &&
  widthOf(closed[2]) >= widthOf(open[2]);

export const isSameScope = (one: Scope, other: Scope): boolean => one.every((part, at) => part === other[at]);

/**
 * A tenant of an OCS; one whose entry does not name the OCS, as in format 1; or a client of several tenants that named
 * none.
 */
type Owner =
  | readonly [upstream: string, dbid: number]
  | readonly ["", dbid: number, name: string]
  | readonly ["?", client: string];

const ownerOf = ({ dbid, name }: NonNullable<Fields["tenant"]>, upstream: string): Owner =>
  upstream === "" ? ["", dbid, name] : [upstream, dbid];

/**
 * The same tenant in entries that do not name its OCS. And if a client named none of its tenants, its later request for
 * one of them is the same wish.
 */
const otherwiseOf = ([upstream]: Owner, tenant: Fields["tenant"], client: string | undefined): Owner[] => [
  ...(tenant && upstream !== "" ? [ownerOf(tenant, "")] : []),
  ...(tenant && client !== undefined ? [["?", client] as const] : []),
];

const written = (whose: Owner, who: readonly (string | number | null)[]): string => JSON.stringify([...whose, ...who]);

const chainOf = (body: Readonly<Record<string, unknown>> | undefined): string => {
  const chain = body?.["GSW_CHAIN_ATTR"];
  return typeof chain === "string" && Object.hasOwn(WIDTHS, chain) ? chain : "";
};

/** The manual does not say what OCS does without a chain: at least the record, and not certainly more. */
const WIDTHS: Readonly<Record<string, number>> = { RecordOnly: 0, "": 1, AllChain: 2 };
const widthOf = (chain: string): number => WIDTHS[chain] ?? 1;
