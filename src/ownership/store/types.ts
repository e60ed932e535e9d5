/** The data in the ownership database, and its interface. */
import type { Worker } from "node:worker_threads";
import type { Page } from "../handles/announced-handles.ts";

export type OwnershipRow = {
  readonly upstream: string;
  readonly epoch: number;
  /** The OCS of that epoch. */
  readonly endpoint: string;
  /** Rows of earlier epochs from this generation on belong to this one. */
  readonly keepFrom?: number | undefined;
  readonly handle: number;
  /** DBID. */
  readonly tenant: number;
  /** The number of this announcement or registration; only increases within an upstream. */
  readonly generation: number;
  /** The highest handle announced in the epoch. */
  readonly highest: number;
  /** The last generation before the last announcement of the highest handle. */
  readonly highestAt: number;
  /** Seconds since 1970. */
  readonly since: number;
  readonly campaign: string | null;
  /** The campaign group's DBID or name in OCS's announcement. */
  readonly group: string | null;
  readonly list: string | null;
  /** The token of the phone (`t1:…`), never the number. */
  readonly phone: string | null;
  /** The token of the customer id. */
  readonly customer?: string | null;
  /** GSW_CALL_ATTEMPT_GUID, by which a call report may name the record. */
  readonly attempt: string | null;
  /** For a disputed handle: DBIDs of the tenants that it could belong to. */
  readonly among?: readonly number[] | undefined;
};

export type RestoredRow = {
  readonly handle: number;
  readonly tenant: number;
  readonly since: number;
  readonly generation: number;
  readonly attempt: string | null;
  /** Tokens of the phone and the customer id that OCS announced. */
  readonly phone?: string;
  readonly customer?: string;
  readonly among?: readonly number[] | undefined;
};

/** An upstream's last epoch, with its rows in the order of `since`. */
export type RestoredUpstream = {
  readonly upstream: string;
  readonly endpoint: string;
  readonly epoch: number;
  readonly highest: number;
  readonly highestAt: number;
  readonly generation: number;
  /** Rows up to this generation may be of an earlier life of OCS, although none was proven; -1 for none. */
  readonly doubtUpTo: number;
  /** Every handle that was announced in the epoch. */
  readonly announced: readonly Page[];
  readonly owned: readonly RestoredRow[];
};

export type OwnershipStore = {
  /** The data of an earlier run, by upstream. */
  readonly restored: ReadonlyMap<string, RestoredUpstream>;
  /** The new path of a corrupt file that was moved aside; undefined if the file was intact. */
  readonly movedAside: string | undefined;
  /** Milliseconds since the last commit, if that was in the same boot of this machine; otherwise undefined. */
  readonly downtime: number | undefined;
  /** The journal's index up to which all finished handles have been removed here. */
  readonly mark: number;
  /** Resolves when the row is on disk. Rejects with StoreFailed; then it may still reach the disk later. */
  readonly put: (row: OwnershipRow) => Promise<void>;
  /**
   * Resolves when no row of the handle up to this generation is on disk. Retried even after rejecting with StoreFailed.
   */
  readonly remove: (upstream: string, handle: number, generation: number) => Promise<void>;
  /**
   * Resolves when the epoch is on disk and all rows of earlier ones are deleted, except those from the generation
   * `keepFrom` on, which now belong to it. Retried even after rejecting with StoreFailed.
   */
  readonly beginEpoch: (upstream: string, epoch: number, endpoint: string, keepFrom?: number) => Promise<void>;
  /**
   * Writes with the next commit that OCS has announced the handle in this epoch; retried until it is on disk.
   * `generation`: the last one before.
   */
  readonly announced: (upstream: string, epoch: number, handle: number, generation: number) => void;
  /**
   * Resolves when it is on disk that rows up to this generation may belong to an earlier life. Retried even after
   * rejecting with StoreFailed.
   */
  readonly doubt: (upstream: string, generation: number) => Promise<void>;
  readonly byAttempt: (upstream: string, attempt: string) => Promise<number | undefined>;
  /** Number of failed removals and epochs that are not written yet. */
  readonly pending: () => number;
  /** Writes that the gateway is alive, for `downtime`. */
  readonly touch: () => void;
  /** Commits queued changes and closes the database. */
  readonly close: () => Promise<void>;
};

export type StoreOptions = {
  /** Returns the journal's index below which all outcomes have been applied here; called for each commit. */
  readonly mark?: (() => number) | undefined;
  /** Default: a thread with SQLite. */
  readonly thread?: StoreThread | undefined;
};

/** The part of Worker that is used. The thread gets requests and sends replies; the first reply is `opened`. */
export type StoreThread = Pick<Worker, "postMessage" | "terminate" | "on" | "once" | "off">;

export class StoreFailed extends Error {
  override readonly name = "StoreFailed";
}
