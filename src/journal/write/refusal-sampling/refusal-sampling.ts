/**
 * No client can fill the journal with refusals, and every refusal is recorded. Refusals up to a rate are entries; the
 * journal counts those beyond it exactly, and the count is an entry of kind `flood` when its window ends:
 *
 *   of unknown clients        10 a second from one source and 100 from all; then counted by source for the second
 *   of a known client         as long as its tenant's budget lasts: 1,000, and 2 a second after that; then counted by
 *                             client for ten seconds
 *   Do-Not-Calls of a         each, because each is a person's wish. Only identical ones (client, number, minute) are
 *   known client              counted, after the first of them. A tenant with very many has its replies delayed
 *
 * At most 100 refusals and 51 counts of unknown clients are written in a second, some 50 KB; of a tenant, except for
 * Do-Not-Calls, some 1,400 bytes.
 */
import type { Entry, Refusal } from "../../entry.ts";
import { RefusalCounts } from "./refusal-counts.ts";
import { EntryBudgets } from "./entry-budgets.ts";

const PER_SOURCE = 10;
const OF_ALL = 100;
/** Sources beyond this number are counted together, as `*`; so are clients. */
const MOST_COUNTED = 50;
const REST = "*";
const SECOND_MS = 1000;
const CLIENTS_MS = 10_000;
const MINUTE_MS = 60_000;
/** Do-Not-Calls compared within one minute. Beyond this number each is an entry, identical or not. */
const MOST_COMPARED = 20_000;

/** A burst of entries, and the rate per second. */
const REFUSALS = { most: 1000, perSecond: 2 } as const;
const DO_NOT_CALLS = { most: 1000, perSecond: 20 } as const;
/** The longest delay of a reply. */
const LONGEST_DELAY_MS = 10_000;

type Options = {
  readonly note: (entry: Entry) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly steady?: () => number;
};

export class RefusalSampling {
  readonly #note: (entry: Entry) => void;
  readonly #bySource: RefusalCounts;
  readonly #byClient: RefusalCounts;
  readonly #sameDoNotCalls: RefusalCounts;
  readonly #refusals: EntryBudgets;
  readonly #doNotCalls: EntryBudgets;
  #written = 0;
  /** By source, the number of entries in this second. */
  readonly #writtenOf = new Map<string, number>();

  constructor({ note, now = Date.now, steady = () => performance.now() }: Options) {
    this.#note = note;
    this.#bySource = new RefusalCounts({ note, now, windowMs: SECOND_MS });
    this.#byClient = new RefusalCounts({ note, now, windowMs: CLIENTS_MS });
    this.#sameDoNotCalls = new RefusalCounts({ note, now, windowMs: MINUTE_MS });
    this.#refusals = new EntryBudgets({ ...REFUSALS, steady });
    this.#doNotCalls = new EntryBudgets({ ...DO_NOT_CALLS, steady });
  }

  /** Replaces the journal's own `note`. Returns how long the reply must be delayed, if at all. */
  readonly note = (entry: Entry): { readonly holdMs: number } | undefined => {
    if (entry.kind === "refusal" && isKnown(entry) && entry.action === "DoNotCall") return this.#noteDoNotCall(entry);
    if (entry.kind !== "refusal") this.#note(entry);
    else if (!isKnown(entry)) this.#noteUnknownClient(entry);
    else if (this.#refusals.take(tenantOf(entry))) this.#note(entry);
    else this.#countClient(entry);
    return undefined;
  };

  /** Writes the counts so far as entries. */
  readonly flush = (): void => {
    for (const tally of [this.#bySource, this.#byClient, this.#sameDoNotCalls]) tally.flush();
  };

  #noteUnknownClient(refusal: Refusal): void {
    if (this.#bySource.turn()) {
      this.#written = 0;
      this.#writtenOf.clear();
    }
    const source = refusal.source ?? REST;
    const written = this.#writtenOf.get(source) ?? 0;
    if (written < PER_SOURCE && this.#written < OF_ALL) {
      this.#writtenOf.set(source, written + 1);
      this.#written++;
      return this.#note(refusal);
    }
    const isOwn = this.#bySource.has(source) || this.#bySource.size < MOST_COUNTED;
    const { listener = null } = refusal;
    this.#bySource.count(
      isOwn ? source : REST,
      refusal,
      isOwn ? { source, listener: listener ?? undefined } : { source: REST },
    );
  }

  #countClient(refusal: Refusal): void {
    this.#byClient.turn();
    const { tenant, client, source, listener } = refusal;
    const key = JSON.stringify([tenant?.dbid, client, source]);
    const isOwn = this.#byClient.has(key) || this.#byClient.size < MOST_COUNTED;
    if (isOwn)
      return this.#byClient.count(key, refusal, {
        source: source ?? REST,
        listener: listener ?? undefined,
        tenant,
        client,
      });
    // Counted together, but per tenant: a reader of one tenant's entries may not read another's.
    this.#byClient.count(`${REST} ${tenant?.dbid}`, refusal, { source: REST, tenant, client: REST });
  }

  #noteDoNotCall(refusal: Refusal): { readonly holdMs: number } | undefined {
    const { tenant, client, source, listener, resource, identifier, tokens, announced, action, upstream, epoch } =
      refusal;
    const whose = tokens?.phone ?? tokens?.customer_id ?? (resource === "records" ? `record ${identifier}` : undefined);
    this.#sameDoNotCalls.turn();
    // A DBID identifies a tenant on one OCS only, and a handle a record in one epoch only.
    const key = JSON.stringify([upstream, tenant?.dbid, client, whose, epoch, announced]);
    if (whose !== undefined && this.#sameDoNotCalls.has(key)) {
      const about = {
        source: source ?? REST,
        listener: listener ?? undefined,
        tenant,
        client,
        action: action ?? undefined,
        resource: resource ?? undefined,
        identifier,
        tokens,
        announced,
      };
      this.#sameDoNotCalls.count(key, refusal, about);
      return undefined;
    }
    if (whose !== undefined && this.#sameDoNotCalls.size < MOST_COMPARED) this.#sameDoNotCalls.add(key);
    this.#note(refusal);
    const holdMs = this.#doNotCalls.takeOnCredit(tenantOf(refusal), LONGEST_DELAY_MS);
    return holdMs > 0 ? { holdMs } : undefined;
  }
}

const isKnown = ({ client, credential, tenant }: Refusal): boolean =>
  [client, credential, tenant].some((known) => known !== null && known !== undefined);

/** A client whose tenant is not yet known has a budget of its own. */
const tenantOf = ({ tenant, client, credential }: Refusal): string =>
  tenant ? String(tenant.dbid) : JSON.stringify([client, credential]);
