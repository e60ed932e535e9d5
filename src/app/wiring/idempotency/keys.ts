/**
 * Idempotency keys: their store beside the journal or in the shared database, the ends of those that an earlier run
 * left, and their expiry.
 */
import { join } from "node:path";
import type { Counts, KeyResult } from "../../../admin/counters.ts";
import { DatabaseUnavailable } from "../../../cluster/database.ts";
import { events } from "../../../common/log/events.ts";
import { faultInWords } from "../../../common/system-error.ts";
import { REFUSALS, type Refusal } from "../../../gateway/refusals.ts";
import {
  claimWith,
  KEPT_MS,
  KeyStoreKeeper,
  type ClaimDeps,
  type ClaimKey,
  type KeyClaim,
} from "../../../idempotency/keys.ts";
import { tokensWith } from "../../../idempotency/key-tokens.ts";
import { resolveRunning } from "../../../idempotency/resolve-running.ts";
import { KeysUnavailable, type KeyStore, type RunningKey } from "../../../idempotency/types.ts";
import type { Journal } from "../../../journal/journal.ts";
import { readEntries } from "../../../journal/read/read-entries.ts";
import type { IndexKeys } from "../../../journal/redact.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { Agreement, DOUBTFUL, ownPlace, sharedPlace, type KeyPlace } from "./key-place.ts";

const SWEEP_MS = 60_000;
/** The clock of a run is trusted after this time. */
const TRUSTED_MS = 3_600_000;

export type Keys = {
  /** For a generation with these index keys. */
  readonly claimerFor: (keys: IndexKeys) => ClaimKey;
  /** Why keys cannot be kept; undefined while they can. */
  readonly trouble: () => string | undefined;
};

/** The last entry that this run has written to disk. */
export class LastEntry {
  index = -1;
  /** Microseconds since 1970. */
  time = 0;
  take(index: number, time: number): void {
    [this.index, this.time] = [index, time];
  }
}

type KeysDeps = {
  readonly journal: Journal;
  readonly counts: Counts;
  readonly lastEntry: LastEntry;
  /** Undefined without `shared`. */
  readonly cluster: Pick<Cluster, "database" | "membership" | "node"> | undefined;
};

export const startKeys = async (
  { audit }: Pick<Settings, "audit">,
  { journal, counts, lastEntry, cluster }: KeysDeps,
  stops: ShutdownSteps,
): Promise<Keys> => {
  const place = cluster ? sharedPlace(cluster) : ownPlace(join(audit.dir, "idempotency.sqlite"));
  const keeper = new KeyStoreKeeper(() => openStore(place.open, journal), place.onFailed);
  stops.push(() => keeper.close());
  if (place.isNeeded) await keeper.store().catch(() => undefined);
  const sweep = setInterval(() => void sweepKeys(keeper, place, journal), SWEEP_MS).unref();
  stops.push(() => clearInterval(sweep));
  const certain = audit.on_failure === "refuse" && audit.durability === "flush";
  const position = (): ReturnType<ClaimDeps["position"]> => ({
    at: Math.max(Date.now(), Math.ceil(journal.believed().now / 1000)),
    entry: lastEntry.index,
    entryTime: lastEntry.time,
    certain,
  });
  const agreement = new Agreement(place);
  return {
    claimerFor: (keys) => {
      const claim = claimWith({ store: keeper.store, tokensOf: tokensWith(keys), position });
      const agree = agreement.on(keys);
      return counted(counts, async (request) => {
        await agree();
        return claim(request);
      });
    },
    trouble: () => {
      const why = keeper.failed ?? agreement.fault;
      return why && `idempotency keys cannot be kept: ${why}`;
    },
  };
};

const openStore = async (open: () => Promise<KeyStore>, journal: Journal): Promise<KeyStore> => {
  const store = await open();
  try {
    await resolveEarlier(store, store.running, journal);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
};

const resolveEarlier = async (
  store: KeyStore,
  running: readonly RunningKey[],
  { dir, disk, status }: Journal,
): Promise<void> => {
  if (running.length === 0) return;
  const ends = await resolveRunning(running, {
    entriesFrom: (from) => readEntries(dir, { from, to: status().size }, disk),
    refusalOf: (code) => SENT.get(code),
    doubt: {
      refusal: DOUBTFUL,
      detail:
        "the gateway was stopped before OCS's answer to the first request with this key was stored; OCS may have " +
        "carried it out",
    },
  });
  await Promise.all([...ends].map(([id, end]) => store.settle(id, end)));
  const free = [...ends.values()].filter(({ state }) => state === "free").length;
  events.idempotencyKeysResolved({ keys: ends.size, free });
};

/** Of replies to requests that were, or may have been, sent: their names by code. */
const SENT = new Map(
  (Object.keys(REFUSALS) as Refusal[])
    .filter((name) => REFUSALS[name].delivery !== "not-sent")
    .map((name) => [REFUSALS[name].code, name]),
);

/** A database that does not answer now is asked again by the next sweep. */
const sweepKeys = async (keeper: KeyStoreKeeper, place: KeyPlace, journal: Journal): Promise<void> => {
  try {
    const store = place.isNeeded ? await keeper.store() : keeper.opened;
    if (!store) return;
    await resolveEarlier(store, (await store.leftBehind?.()) ?? [], journal);
    await expire(store, place.clocksDiffer, journal);
  } catch (error) {
    if (!(error instanceof KeysUnavailable || error instanceof DatabaseUnavailable))
      place.onFailed(faultInWords(error));
  }
};

/** Nothing expires while the clock is in doubt. */
const expire = async (store: KeyStore, clocksDiffer: number, journal: Journal): Promise<void> => {
  const { doubt, now, ran } = journal.believed();
  if (doubt) return;
  const ms = Math.floor(now / 1000);
  await store.expire(ms - KEPT_MS - clocksDiffer, ran >= TRUSTED_MS ? ms + clocksDiffer : undefined);
};

const RESULTS: Readonly<Record<KeyClaim["kind"], KeyResult | undefined>> = {
  absent: undefined,
  held: "first",
  answered: "replayed",
  unknown: "replayed",
  running: "running",
  "other-request": "reused",
  full: "refused",
};

const counted =
  (counts: Counts, claim: ClaimKey): ClaimKey =>
  async (request) => {
    let result: KeyResult | undefined = "refused";
    try {
      const claimed = await claim(request);
      result = RESULTS[claimed.kind];
      return claimed;
    } finally {
      if (result !== undefined) counts.keyClaimed(result);
    }
  };
