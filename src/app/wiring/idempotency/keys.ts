/** Idempotency keys: their store beside the journal, the ends of those that an earlier run left, and their expiry. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Counts, KeyResult } from "../../../admin/counters.ts";
import { events } from "../../../common/log/events.ts";
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
import { openSqliteKeys } from "../../../idempotency/store/sqlite-keys.ts";
import type { KeyStore } from "../../../idempotency/types.ts";
import type { Journal } from "../../../journal/journal.ts";
import { readEntries } from "../../../journal/read/read-entries.ts";
import type { IndexKeys } from "../../../journal/redact.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";

/** Keys of one client of one tenant: about 400 MB of disk. */
const MOST_KEYS = 1_000_000;
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

type KeysDeps = { readonly journal: Journal; readonly counts: Counts; readonly lastEntry: LastEntry };

/** A store that cannot be opened now is opened when a request needs it. Without keys there is no store, no thread. */
export const startKeys = async (
  { audit }: Pick<Settings, "audit">,
  { journal, counts, lastEntry }: KeysDeps,
  stops: ShutdownSteps,
): Promise<Keys> => {
  const file = join(audit.dir, "idempotency.sqlite");
  const keeper = new KeyStoreKeeper(
    () => openStore(file, journal),
    (reason) => events.idempotencyKeysUnavailable({ file, reason }),
  );
  stops.push(() => keeper.close());
  if (existsSync(file)) await keeper.store().catch(() => undefined);
  const sweep = setInterval(() => void expire(keeper.opened, journal), SWEEP_MS).unref();
  stops.push(() => clearInterval(sweep));
  const certain = audit.on_failure === "refuse" && audit.durability === "flush";
  const position = (): ReturnType<ClaimDeps["position"]> => ({
    at: Math.max(Date.now(), Math.ceil(journal.believed().now / 1000)),
    entry: lastEntry.index,
    entryTime: lastEntry.time,
    certain,
  });
  return {
    claimerFor: (keys) => counted(counts, claimWith({ store: keeper.store, tokensOf: tokensWith(keys), position })),
    trouble: () => keeper.failed && `idempotency keys cannot be kept: ${keeper.failed}`,
  };
};

const openStore = async (file: string, journal: Journal): Promise<KeyStore> => {
  const store = await openSqliteKeys({ file, mostKeys: MOST_KEYS });
  try {
    await resolveEarlier(store, journal);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
};

const resolveEarlier = async (store: KeyStore, { dir, disk, status }: Journal): Promise<void> => {
  if (store.running.length === 0) return;
  const ends = await resolveRunning(store.running, {
    entriesFrom: (from) => readEntries(dir, { from, to: status().size }, disk),
    refusalOf: (code) => SENT.get(code),
    doubt: {
      refusal: "connection-lost" satisfies Refusal,
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

/** Nothing expires while the clock is in doubt. */
const expire = async (store: KeyStore | undefined, journal: Journal): Promise<void> => {
  const { doubt, now, ran } = journal.believed();
  if (!store || doubt) return;
  const ms = Math.floor(now / 1000);
  await store.expire(ms - KEPT_MS, ran >= TRUSTED_MS ? ms : undefined);
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
