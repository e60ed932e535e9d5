/**
 * What people get who may see single tenants only: the requests of these tenants, each with the members that are listed
 * here, and no other entry. An index, a checksum, an epoch or a generation would tell how much other tenants do.
 */
import type { Entry, Kind, Recorded } from "../../entry.ts";
import type { FieldName } from "../filter/keys.ts";
import type { TransactionJson } from "../to-json.ts";
import { fieldsOf, type Fields, type Transaction } from "../transaction.ts";

/** `names`: what the config gives to these tenants. It may be shown wherever it is named. Groups by DBID. */
export type Scope = {
  /** DBIDs. */
  readonly tenants: readonly number[];
  readonly names: { readonly [Of in "list" | "campaign" | "group"]: readonly string[] };
};

/** A transaction of a tenant of the scope, without what people of this scope may not see. */
export type ScopedPart = { readonly entries: readonly Recorded[]; readonly fields: Fields };

type Shown = { readonly [K in Kind]?: readonly (keyof Extract<Entry, { kind: K }>)[] };

/** A kind without a row belongs to no tenant. Members without a place here are left out, also later ones. */
const SHOWN: Shown = {
  intent: [
    "kind",
    "id",
    "tenant",
    "client",
    "credential",
    "source",
    "listener",
    "resource",
    "identifier",
    "action",
    "body",
    "tokens",
    "upstream",
    "announced",
    "would_refuse",
    "dnc",
    "dropped_fields",
    "traceparent",
    "idempotency_key",
  ],
  outcome: [
    "kind",
    "id",
    "delivery",
    "origin",
    "status",
    "code",
    "warning",
    "waits",
    "lane",
    "endpoint",
    "stage",
    "suspected",
  ],
  refusal: [
    "kind",
    "id",
    "tenant",
    "client",
    "credential",
    "source",
    "listener",
    "resource",
    "identifier",
    "action",
    "tokens",
    "announced",
    "code",
    "status",
    "delivery",
    "stage",
    "waits",
    "would_refuse",
    "upstream",
    "dnc",
    "traceparent",
  ],
  replay: [
    "kind",
    "id",
    "tenant",
    "client",
    "credential",
    "source",
    "listener",
    "resource",
    "identifier",
    "action",
    "first",
    "status",
    "code",
    "delivery",
    "waits",
    "traceparent",
    "idempotency_key",
  ],
  "in-doubt": ["kind", "id", "tenant", "client", "resource", "action"],
  flood: [
    "kind",
    "source",
    "listener",
    "tenant",
    "client",
    "action",
    "resource",
    "identifier",
    "tokens",
    "announced",
    "second",
    "seconds",
    "count",
    "codes",
  ],
  abandoned: ["kind", "id", "delivery", "waits"],
  "open-dnc": [
    "kind",
    "id",
    "tenant",
    "client",
    "resource",
    "identifier",
    "action",
    "body",
    "tokens",
    "upstream",
    "state",
    "status",
    "code",
    "first",
    "last",
    "tries",
    "clients",
    "closed",
  ],
};

const MEMBERS = new Map(
  Object.entries(SHOWN).map(([kind, names]) => [kind, new Set<string>(["time", ...(names as readonly string[])])]),
);

/** Whether entries of this kind are shown, if they are of a tenant of the scope. */
export const isShown = (kind: string): boolean => MEMBERS.has(kind);

/** Stages that a request reaches only when the gateway has found that everything it names is its tenant's own. */
const ISOLATED: ReadonlySet<string> = new Set(["key", "journal", "queue", "ocs"]);

/** What an identifier of a resource names. */
const NAMES: Readonly<Record<string, keyof Scope["names"] | "record">> = {
  lists: "list",
  campaigngroups: "group",
  records: "record",
};
const NAMED_IN_BODY = { GSW_CALLING_LIST: "list", GSW_CAMPAIGN_NAME: "campaign" } as const;

type Members = Readonly<Record<string, unknown>>;

/** Undefined if the transaction is of no tenant of the scope. */
export const partFor = (scope: Scope, { entries }: Pick<Transaction, "entries">): ScopedPart | undefined => {
  const [first] = entries;
  const tenant = first && "tenant" in first ? first.tenant : undefined;
  if (!tenant || !scope.tenants.includes(tenant.dbid)) return undefined;
  const shown: Recorded[] = [];
  for (const entry of entries) {
    const members = MEMBERS.get(entry.kind);
    if (!members) return undefined;
    const kept = Object.entries(entry).filter(([name]) => members.has(name));
    shown.push(withoutForeignNames(scope, entry.kind, Object.fromEntries(kept)) as unknown as Recorded);
  }
  // The place of the first entry is not known any more.
  return { entries: shown, fields: fieldsOf({ at: 0, entries: shown }) };
};

/** The object that a refused request names may be another tenant's: the gateway refuses it, but journals the name. */
const withoutForeignNames = (scope: Scope, kind: Kind, members: Members): Members => {
  if (kind === "intent" || kind === "replay" || (kind === "refusal" && ISOLATED.has(String(members["stage"]))))
    return members;
  // OCS's answer may belong to a request of another tenant.
  if (kind === "outcome") return members["suspected"] === true ? { ...members, warning: null } : members;
  const of = NAMES[String(members["resource"])];
  const identifier = typeof members["identifier"] === "string" ? members["identifier"] : "";
  const isForeign = of !== undefined && (of === "record" || !scope.names[of].includes(identifier));
  const body = members["body"];
  return {
    ...members,
    ...(isForeign && "identifier" in members && { identifier: null }),
    ...(typeof body === "object" && body !== null && { body: ownNames(scope, body as Members) }),
  };
};

const ownNames = ({ names }: Scope, body: Members): Members =>
  Object.fromEntries(
    Object.entries(NAMED_IN_BODY).flatMap(([attribute, of]) =>
      names[of].includes(String(body[attribute])) ? [[attribute, body[attribute]]] : [],
    ),
  );

/** Fields that a part can lack although its transaction has them; it never has another value. */
export const LEFT_OUT: ReadonlySet<FieldName> = new Set(["record", "list", "group", "campaign", "config", "warning"]);

/** As `toJson`, without the index. */
export const partToJson = ({ entries, fields }: ScopedPart): TransactionJson => {
  const { at: _, ...shown } = fields;
  const [first] = entries;
  return {
    ...shown,
    time: first?.time ?? "",
    identifier: first && "identifier" in first ? (first.identifier ?? null) : null,
    entries,
  };
};
