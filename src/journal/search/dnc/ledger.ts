/**
 * The Do-Not-Calls of one month, counted by tenant, and whether their numbers show that none is missing. The numbers of
 * a sequence have no gaps (`journal/write/dnc-sequence.ts`), so a missing number is a missing entry.
 */
import { coverageGaps, type CoverageGap } from "../coverage-gaps.ts";
import { isConfirmed } from "../../open-dnc/dnc-scope.ts";
import { readMicros } from "../../time.ts";
import { sequenceName } from "../../write/dnc-sequence.ts";
import { parseFilter } from "../filter/filter.ts";
import type { JournalSearch } from "../journal-search.ts";
import { openDncOf } from "../open-dnc.ts";
import { fieldsOf, type Transaction } from "../transaction.ts";
import type { TimeLimit } from "../worker/time-limit.ts";

/** The first and the last number of a range. */
export type NumberRange = readonly [from: number, to: number];

export type LedgerRow = {
  readonly upstream: string | null;
  /** Null: the client acts for several tenants and named none. */
  readonly tenant: string | null;
  readonly tenant_dbid: number | null;
  /** Requests of this month, and how they ended. */
  readonly asked: number;
  /** OCS answered 200. */
  readonly confirmed: number;
  /** OCS answered otherwise. */
  readonly ocs_refused: number;
  /** Refused by the gateway, or taken back before they were sent. */
  readonly not_sent: number;
  /** Accepted with 202, and not confirmed in this month: the gateway sends them by itself. */
  readonly accepted: number;
  /** Attempts to send accepted ones. They have numbers, and are not counted among `asked`. */
  readonly attempts: number;
  /** Sent, and it is not known what OCS did, or not known whether they were sent. */
  readonly unknown: number;
  /** Repetitions of a refused request within a minute, which have no entries and no numbers of their own. */
  readonly repeated: number;
  /** Do-Not-Calls that were first requested in this month and are still open. */
  readonly open: number;
  /** `<upstream>/<DBID>`; of an older journal the DBID. Null without a tenant. */
  readonly sequence: string | null;
  readonly first: number | null;
  readonly last: number | null;
  /** Numbers of this month without an entry; at most 100 ranges. */
  readonly missing: readonly NumberRange[];
  /**
   * Whether all numbers from the last one of the months before to `last` have an entry. Unknown if entries of the
   * period were deleted, set aside, or cannot be read.
   */
  readonly complete: "yes" | "no" | "unknown";
};

export type DncLedger = {
  /** Ascending by sequence. */
  readonly rows: readonly LedgerRow[];
  /** Parts of the month without entries. */
  readonly gaps: readonly CoverageGap[];
  /** Months with entries, as 2026-11. Null if the journal is empty. */
  readonly months: { readonly first: string; readonly last: string } | null;
};

/** `month`: as 2026-11, UTC. `tenants`: DBIDs; all tenants if undefined. */
export type LedgerQuestion = { readonly month: string; readonly tenants?: readonly number[] | undefined };

export const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;

const PAGE = 500;
const MOST_RANGES = 100;

export const dncLedger = async (
  search: JournalSearch,
  { month, tenants }: LedgerQuestion,
  timeLimit?: TimeLimit,
): Promise<DncLedger> => {
  const period = periodOf(month);
  const searched = await search.searched();
  const gaps = await coverageGaps(search, searched, [readMicros(period.from), readMicros(period.to)]);
  const rows = new Map<string, Row>();
  const repeated: Flood[] = [];
  const carriedOut = new Set<string>();
  const of = (tenant: Tenant, upstream: string | undefined): Row => {
    const name = tenant ? sequenceName(upstream, tenant.dbid) : "";
    const row = rows.get(name) ?? new Row(tenant, upstream, name);
    rows.set(name, row);
    return row;
  };
  if (tenants?.length !== 0) {
    const narrowed = tenants === undefined ? "" : ` tenant:${tenants.join(",")}`;
    const filter = parseFilter(
      `action:DoNotCall kind:intent,refusal,flood time:${period.from}..${period.to}${narrowed}`,
    );
    for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
      const page: Awaited<ReturnType<JournalSearch["page"]>> = await search.page(filter, {
        before,
        limit: PAGE,
        timeLimit,
      });
      for (const each of page.transactions) take(of, each, { repeated, carriedOut });
      before = page.next;
    }
    for (const { first, upstream, tenant, tenant_dbid: dbid } of openDncOf(await search.openDnc()))
      if (first >= period.from && first <= period.to && (tenants === undefined || tenants.includes(dbid ?? -1)))
        of(dbid === null ? undefined : { dbid, name: tenant ?? "" }, upstream ?? undefined).open++;
  }
  for (const { tenant, count } of repeated) {
    const same = [...rows.values()].find(
      (row) => row.tenant?.dbid === tenant?.dbid && row.tenant?.name === tenant?.name,
    );
    (same ?? of(tenant, undefined)).counts.repeated += count;
  }
  const sorted = [...rows.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const counted = await Promise.all(
    sorted.map(async (row) => row.toJson(await lastBefore(search, row, period.from), gaps.length === 0)),
  );
  const isDoubtful = counted.some(({ complete }) => complete === "no") && (await wasClockSet(search, period));
  return {
    rows: isDoubtful
      ? counted.map((row) => (row.complete === "no" ? { ...row, complete: "unknown" as const } : row))
      : counted,
    gaps,
    months: searched.first === undefined ? null : { first: monthOf(searched.first), last: monthOf(searched.last!) },
  };
};

const monthOf = (time: string): string => time.slice(0, 7);

/** RFC 3339 with microseconds, both ends included. */
type Period = { readonly from: string; readonly to: string };

const periodOf = (month: string): Period => {
  const [year, number] = month.split("-").map(Number) as [number, number];
  const days = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return { from: `${month}-01T00:00:00.000000Z`, to: `${month}-${days}T23:59:59.999999Z` };
};

type Tenant = { readonly dbid: number; readonly name: string } | undefined;

type Flood = { readonly tenant: Tenant; readonly count: number };

/** `carriedOut`: ids of accepted requests of which an attempt was confirmed. */
type Found = { readonly repeated: Flood[]; readonly carriedOut: Set<string> };

/** Call it with the newest transaction first. */
const take = (
  of: (tenant: Tenant, upstream: string | undefined) => Row,
  transaction: Transaction,
  { repeated, carriedOut }: Found,
): void => {
  const [entry] = transaction.entries;
  const fields = fieldsOf(transaction);
  // It names no OCS.
  if (entry?.kind === "flood") return void repeated.push({ tenant: fields.tenant, count: entry.count });
  if (entry?.kind !== "intent" && entry?.kind !== "refusal") return;
  const row = of(fields.tenant, entry.upstream);
  const attemptOf = entry.kind === "intent" ? entry.attempt_of : undefined;
  if (attemptOf !== undefined) {
    row.counts.attempts++;
    if (isConfirmed(fields)) carriedOut.add(attemptOf);
  } else {
    row.counts.asked++;
    row.counts[isConfirmed(fields) || carriedOut.has(entry.id) ? "confirmed" : endOf(fields)]++;
  }
  if (entry.dnc !== undefined) row.number(entry.dnc);
};

const endOf = ({
  state,
  suspected,
}: ReturnType<typeof fieldsOf>): "ocs_refused" | "not_sent" | "accepted" | "unknown" => {
  if (suspected) return "unknown";
  switch (state) {
    case "refused":
    case "abandoned":
      return "not_sent";
    case "ok":
    case "ocs-no":
      return "ocs_refused";
    case "accepted":
      return "accepted";
    default:
      return "unknown";
  }
};

class Row {
  readonly tenant: Tenant;
  readonly upstream: string | undefined;
  readonly name: string;
  readonly counts = {
    asked: 0,
    confirmed: 0,
    ocs_refused: 0,
    not_sent: 0,
    accepted: 0,
    attempts: 0,
    unknown: 0,
    repeated: 0,
  };
  open = 0;
  readonly #missing: NumberRange[] = [];
  #last: number | undefined;
  #lowest: number | undefined;
  #isInOrder = true;

  constructor(tenant: Tenant, upstream: string | undefined, name: string) {
    [this.tenant, this.upstream, this.name] = [tenant, upstream, name];
  }

  /** Call it with descending numbers. */
  number(dnc: number): void {
    const above = this.#lowest;
    if (above !== undefined && dnc >= above) this.#isInOrder = false;
    if (above !== undefined && dnc < above - 1) this.#missing.unshift([dnc + 1, above - 1]);
    this.#last ??= dnc;
    this.#lowest = dnc;
  }

  get first(): number | undefined {
    return this.#lowest;
  }

  /** `before`: the last number of the time before; undefined if it is unknown. */
  toJson(before: number | undefined, isCovered: boolean): LedgerRow {
    const first = this.#lowest;
    const missing =
      first !== undefined && before !== undefined && before + 1 < first
        ? [[before + 1, first - 1] as const, ...this.#missing]
        : this.#missing;
    const isBroken = missing.length > 0 || !this.#isInOrder || (first !== undefined && (before ?? 0) >= first);
    const isKnown = isCovered && (first === undefined || before !== undefined);
    return {
      upstream: this.upstream ?? null,
      tenant: this.tenant?.name ?? null,
      tenant_dbid: this.tenant?.dbid ?? null,
      ...this.counts,
      open: this.open,
      sequence: this.name === "" ? null : this.name,
      first: first ?? null,
      last: this.#last ?? null,
      missing: missing.slice(0, MOST_RANGES),
      complete: !isKnown ? "unknown" : isBroken ? "no" : "yes",
    };
  }
}

/** Other tenants have the same DBID on another OCS; more of their requests than this are not passed over. */
const MOST_OTHERS = 200;

/** The last number of the sequence before that time; 0 if there was none, undefined if it cannot be found. */
const lastBefore = async (search: JournalSearch, row: Row, time: string): Promise<number | undefined> => {
  if (row.tenant === undefined || row.first === undefined || row.first === 1) return 0;
  const until = new Date(Date.parse(time) - 1).toISOString();
  const filter = parseFilter(`action:DoNotCall kind:intent,refusal tenant:${row.tenant.dbid} until:${until}`);
  const { transactions, next } = await search.page(filter, { limit: MOST_OTHERS });
  for (const {
    entries: [entry],
  } of transactions) {
    if (entry?.kind !== "intent" && entry?.kind !== "refusal") continue;
    if (entry.dnc !== undefined && sequenceName(entry.upstream, entry.tenant!.dbid) === row.name) return entry.dnc;
  }
  return next === undefined ? deletedLast(search, row.name) : undefined;
};

const DELETED = parseFilter("kind:deleted");

/** The last number among deleted entries, as a proved entry states it. */
const deletedLast = async (search: JournalSearch, sequence: string): Promise<number | undefined> => {
  const [stated] = await search.entriesWithProof(DELETED, 1);
  if (!stated) return 0;
  return stated.proof === "proved" && stated.entry.kind === "deleted" ? (stated.entry.dnc[sequence] ?? 0) : undefined;
};

const CLOCK = parseFilter("kind:clock");
const MOST_CLOCKS = 1000;

/** Whether the clock was set to or from a time of the month: then times do not say which entries belong to it. */
const wasClockSet = async (search: JournalSearch, { from, to }: Period): Promise<boolean> => {
  const { transactions, next } = await search.page(CLOCK, { limit: MOST_CLOCKS });
  const times = transactions.flatMap(({ entries: [entry] }) =>
    entry?.kind === "clock" ? [entry.time, entry.from, entry.to] : [],
  );
  return next !== undefined || times.some((time) => time >= from && time <= to);
};
