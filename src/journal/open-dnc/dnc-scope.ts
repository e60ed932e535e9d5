/**
 * When a Do-Not-Call is open: a known client asked for it, and OCS has not answered 200 since for the same subject and scope, or a wider scope.
 *
 * The subject is whom it is about, within one tenant of one OCS: the phone's token, else the customer id's, else the record handle, which is one
 * record only in one epoch of that OCS. The index and the counter in memory both follow these rules.
 */
import type { Entry, Intent, OpenDnc, Refusal } from "./entry.ts";
import { whatOf, whoOf, type Facts } from "./story.ts";

/** "" for all campaigns of the tenant, and for all lists of the campaign; of the record alone, of its chain, or "" where that was not said. */
export type Scope = readonly [campaign: string, list: string, chain: string];

export type DoNotCall = {
  readonly entry: Intent | Refusal | OpenDnc;
  /** What is open once this request was begun or refused; undefined when nobody known asked, or when it names nobody. */
  readonly opens: Opened | undefined;
  /** What OCS's 200 for this request closes: of these subjects, every scope that this one covers. */
  readonly closes: Closing;
};

/** `tenant`: its name; null when it was not said which. */
export type Opened = {
  readonly subject: string;
  readonly scope: Scope;
  readonly tenant: string | null;
  readonly client: string;
};
export type Closing = { readonly subjects: readonly string[]; readonly scope: Scope };

const ACTION = "DoNotCall";

/** Undefined for every other entry. */
export const doNotCallOf = (entry: Entry): DoNotCall | undefined => {
  if ((entry.kind !== "intent" && entry.kind !== "refusal" && entry.kind !== "open-dnc") || entry.action !== ACTION)
    return undefined;
  const what = whatOf(entry);
  const { tenant, client } = whoOf(entry);
  const scope: Scope = [what.campaign ?? "", what.list ?? "", chainOf("body" in entry ? entry.body : undefined)];
  const { upstream = "", epoch } = entry;
  const person =
    what.phone === undefined
      ? what.customer === undefined
        ? undefined
        : ["customer", what.customer]
      : ["phone", what.phone];
  const record = what.record === undefined ? undefined : ["record", epoch ?? null, what.record];
  const whose: Whose = tenant ? ownerOf(tenant, upstream) : ["?", client ?? ""];
  const first = person ?? record;
  return {
    entry,
    opens:
      client === undefined || first === undefined
        ? undefined
        : { subject: written(whose, first), scope, tenant: tenant?.name ?? null, client },
    closes: {
      subjects: [
        ...(person ? [whose, ...otherwiseOf(whose, tenant, client)].map((each) => written(each, person)) : []),
        ...(record ? [written(whose, record)] : []),
      ],
      scope,
    },
  };
};

export const isTaken = ({ origin, status, suspected }: Pick<Facts, "origin" | "status" | "suspected">): boolean =>
  origin === "ocs" && status === 200 && suspected !== true;

/** A wider scope closes a narrower one, never the reverse. */
export const covers = (closed: Scope, open: Scope): boolean =>
  (closed[0] === "" || closed[0] === open[0]) &&
  (closed[1] === "" || closed[1] === open[1]) &&
  widthOf(closed[2]) >= widthOf(open[2]);

export const isSameScope = (one: Scope, other: Scope): boolean => one.every((part, at) => part === other[at]);

/** A tenant of an OCS; one whose OCS the entry does not say, as in format 1; or a client of several tenants that did not say which. */
type Whose =
  | readonly [upstream: string, dbid: number]
  | readonly ["", dbid: number, name: string]
  | readonly ["?", client: string];

const ownerOf = ({ dbid, name }: NonNullable<Facts["tenant"]>, upstream: string): Whose =>
  upstream === "" ? ["", dbid, name] : [upstream, dbid];

/** The same tenant in entries that do not say its OCS; and where a client did not say for which of its tenants, its later one for one of them is the same wish. */
const otherwiseOf = ([upstream]: Whose, tenant: Facts["tenant"], client: string | undefined): Whose[] => [
  ...(tenant && upstream !== "" ? [ownerOf(tenant, "")] : []),
  ...(tenant && client !== undefined ? [["?", client] as const] : []),
];

const written = (whose: Whose, who: readonly (string | number | null)[]): string => JSON.stringify([...whose, ...who]);

const chainOf = (body: Readonly<Record<string, unknown>> | undefined): string => {
  const said = body?.["GSW_CHAIN_ATTR"];
  return typeof said === "string" && Object.hasOwn(WIDTHS, said) ? said : "";
};

/** What OCS does where it is not said, the manual does not tell: as much as a record at least, and not surely more than that. */
const WIDTHS: Readonly<Record<string, number>> = { RecordOnly: 0, "": 1, AllChain: 2 };
const widthOf = (chain: string): number => WIDTHS[chain] ?? 1;
