/** Where idempotency keys are kept: in a file of this gateway, or in the database that several share. */
import { existsSync } from "node:fs";
import { events } from "../../../common/log/events.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { Refusal } from "../../../gateway/refusals.ts";
import { indexKeyFault } from "../../../idempotency/shared/index-key-checks.ts";
import { openPostgresKeys } from "../../../idempotency/shared/postgres-keys.ts";
import { openSqliteKeys } from "../../../idempotency/store/sqlite-keys.ts";
import { KeysUnavailable, type KeyStore } from "../../../idempotency/types.ts";
import type { IndexKeys } from "../../../journal/redact.ts";
import type { Cluster } from "../cluster/cluster.ts";

/** Keys of one client of one tenant: about 400 MB of disk. */
const MOST_KEYS = 1_000_000;
/** Shared keys are kept that much longer, so that a gateway whose clock is fast deletes none too early. */
const CLOCKS_DIFFER_MS = 3_600_000;
/** The reply to a repeat of a request of which nobody can tell how it ended. */
export const DOUBTFUL = "connection-lost" satisfies Refusal;

export type KeyPlace = {
  readonly open: () => Promise<KeyStore>;
  readonly onFailed: (reason: string) => void;
  /** True: the store is opened at the start. False: the first request with a key opens it. */
  readonly isNeeded: boolean;
  /** Milliseconds that clocks of the gateways which use the store may differ. */
  readonly clocksDiffer: number;
  /** Resolves to a sentence if keys made with these index keys would not match those of others. */
  readonly faultOf?: (keys: IndexKeys) => Promise<string | undefined>;
};

export const ownPlace = (file: string): KeyPlace => ({
  open: () => openSqliteKeys({ file, mostKeys: MOST_KEYS }),
  onFailed: (reason) => events.idempotencyKeysUnavailable({ file, reason }),
  isNeeded: existsSync(file),
  clocksDiffer: 0,
});

export const sharedPlace = ({
  database,
  membership,
  node,
}: Pick<Cluster, "database" | "membership" | "node">): KeyPlace => ({
  open: () =>
    openPostgresKeys({
      query: database.query,
      node,
      instance: membership.instance,
      mostKeys: MOST_KEYS,
      stateOf: (name) => membership.nodes.find((each) => each.name === name)?.state,
      refusal: DOUBTFUL,
    }),
  onFailed: (reason) => events.sharedKeysUnavailable({ database: database.where, reason }),
  // An earlier run may have left keys, for which other gateways answer.
  isNeeded: true,
  clocksDiffer: CLOCKS_DIFFER_MS,
  faultOf: (keys) => indexKeyFault(database.query, keys, node),
});

/** Whether the gateways that share keys have the same index keys. Asked for each generation, until they have. */
export class Agreement {
  readonly #place: KeyPlace;
  #fault: string | undefined;

  constructor(place: KeyPlace) {
    this.#place = place;
  }

  /** Found when it was asked last. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** The function rejects with KeysUnavailable unless they are the same. */
  on(keys: IndexKeys): () => Promise<void> {
    const { faultOf, onFailed } = this.#place;
    if (!faultOf) return () => Promise.resolve();
    let asked: Promise<string | undefined> | undefined;
    return async () => {
      asked ??= faultOf(keys).then((fault) => {
        if (fault !== undefined && fault !== this.#fault) onFailed(fault);
        return (this.#fault = fault);
      });
      let fault: string | undefined;
      try {
        fault = await asked;
      } catch (error) {
        asked = undefined;
        throw new KeysUnavailable(faultInWords(error), { cause: error });
      }
      if (fault === undefined) return;
      asked = undefined;
      throw new KeysUnavailable(fault);
    };
  }
}
