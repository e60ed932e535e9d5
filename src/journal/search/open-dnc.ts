/**
 * Open Do-Not-Calls, which OCS has not confirmed: one item per subject (see `journal/open-dnc/dnc-scope.ts`) and scope,
 * for all clients and attempts.
 */
import { doNotCallOf } from "../open-dnc/dnc-scope.ts";
import type { Note } from "../open-dnc/handled-notes.ts";
import { readMicros } from "../time.ts";
import { fieldsOf, type Transaction } from "./transaction.ts";

export type OpenDnc = {
  readonly tenant: string | null;
  readonly tenant_dbid: number | null;
  /** The tenant's OCS and, for a record handle, its epoch; null in format 1. */
  readonly upstream: string | null;
  readonly epoch: number | null;
  /** As in the journal: masked, or a token. */
  readonly number: string | null;
  readonly resource: string;
  readonly token: string | null;
  /** The scope of the request; null for the whole tenant. */
  readonly campaign: string | null;
  readonly list: string | null;
  /** AllChain or RecordOnly; null if not given. */
  readonly chain: string | null;
  /** RFC 3339: the first and the last request. */
  readonly first: string;
  readonly last: string;
  /** Milliseconds since the first request. */
  readonly age: number;
  readonly tries: number;
  readonly clients: readonly string[];
  /** How the last attempt ended, with its status or code. */
  readonly ended: string;
  /** The request id of the last attempt. */
  readonly id: string;
  /** A note after the last attempt that it was handled by other means; it stays open. */
  readonly handled: Omit<Note, "id"> | null;
};

/** `transactions`: of open Do-Not-Calls, in order. `now`: milliseconds since 1970. */
export const openDncOf = (
  transactions: readonly Transaction[],
  now: number = Date.now(),
  notes: readonly Note[] = [],
): OpenDnc[] =>
  [...Map.groupBy(transactions, keyOf).values()]
    .map((tries) => itemOf(tries, now, notes))
    .toSorted((one, other) => (one.first < other.first ? -1 : 1));

const keyOf = ({ entries: [entry] }: Transaction): string => {
  const opens = entry && doNotCallOf(entry)?.opens;
  return JSON.stringify([opens?.subject, opens?.scope]);
};

const itemOf = (transactions: readonly Transaction[], now: number, notes: readonly Note[]): OpenDnc => {
  const all = transactions.map(fieldsOf);
  const last = all.at(-1)!;
  const entries = transactions.map(({ entries: [entry] }) => entry!);
  const entry = entries.at(-1)!;
  const carried = entries.flatMap((each) => (each.kind === "open-dnc" ? [each] : []));
  const first = carried[0]?.first ?? entries[0]!.time;
  const [campaign, list, chain] = doNotCallOf(entry)!.opens!.scope;
  return {
    tenant: last.tenant?.name ?? null,
    tenant_dbid: last.tenant?.dbid ?? null,
    upstream: ("upstream" in entry ? entry.upstream : undefined) ?? null,
    epoch: ("epoch" in entry ? entry.epoch : undefined) ?? null,
    number: ("identifier" in entry ? entry.identifier : undefined) ?? null,
    resource: last.resource ?? "",
    token: last.phone ?? last.customer ?? null,
    campaign: campaign || null,
    list: list || null,
    chain: chain || null,
    first,
    last: entry.kind === "open-dnc" ? entry.last : entry.time,
    age: Math.max(0, now - Math.floor(readMicros(first) / 1000)),
    tries: entries.reduce((sum, each) => sum + (each.kind === "open-dnc" ? each.tries : 1), 0),
    clients: [...new Set([...carried.flatMap(({ clients }) => clients), ...all.flatMap(({ client }) => client ?? [])])],
    ended: [last.state, last.code ?? last.status].filter((part) => part !== undefined).join(" "),
    id: last.id ?? "",
    handled: handledBy(notes.find(({ id }) => id === last.id)),
  };
};

const handledBy = (found: Note | undefined): OpenDnc["handled"] => {
  if (!found) return null;
  const { id: _id, ...note } = found;
  return note;
};
