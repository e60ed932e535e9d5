/** Do-Not-Calls that OCS has not taken yet, a line for each subject (see `do-not-call.ts`) and scope, whoever asked how often. */
import { doNotCallOf } from "./do-not-call.ts";
import type { Note } from "./handled.ts";
import { readMicros } from "./time.ts";
import { factsOf, type Story } from "./story.ts";

export type Owed = {
  readonly tenant: string | null;
  readonly tenant_dbid: number | null;
  /** The tenant's OCS, and of a record handle its epoch; null in entries of format 1, which do not say it. */
  readonly upstream: string | null;
  readonly epoch: number | null;
  /** As the journal shows it: masked, or a token. */
  readonly number: string | null;
  readonly resource: string;
  readonly token: string | null;
  /** What the request was restricted to; null for all of the tenant. */
  readonly campaign: string | null;
  readonly list: string | null;
  /** AllChain or RecordOnly; null where it was not said. */
  readonly chain: string | null;
  /** RFC 3339, when it was asked for first and last. */
  readonly first: string;
  readonly last: string;
  /** Milliseconds since the first. */
  readonly age: number;
  readonly tries: number;
  readonly clients: readonly string[];
  /** How the last try ended, with the status or code that says why. */
  readonly ended: string;
  /** Of the last try. */
  readonly id: string;
  /** Somebody says that it was handled otherwise, after the last try; it is open all the same. */
  readonly handled: Omit<Note, "id"> | null;
};

/** Stories of open Do-Not-Calls, in their order, and the notes about them. `now`: milliseconds since 1970. */
export const owedOf = (stories: readonly Story[], now: number = Date.now(), notes: readonly Note[] = []): Owed[] =>
  [...Map.groupBy(stories, keyOf).values()]
    .map((tries) => itemOf(tries, now, notes))
    .toSorted((one, other) => (one.first < other.first ? -1 : 1));

const keyOf = ({ entries: [entry] }: Story): string => {
  const opens = entry && doNotCallOf(entry)?.opens;
  return JSON.stringify([opens?.subject, opens?.scope]);
};

const itemOf = (stories: readonly Story[], now: number, notes: readonly Note[]): Owed => {
  const all = stories.map(factsOf);
  const last = all.at(-1)!;
  const entries = stories.map(({ entries: [entry] }) => entry!);
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

const handledBy = (found: Note | undefined): Owed["handled"] => {
  if (!found) return null;
  const { id: _id, ...note } = found;
  return note;
};
