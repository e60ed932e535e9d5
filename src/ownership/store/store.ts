/**
 * Ownership on disk, so that it outlives the process: SQLite in its own thread, so that a hanging disk delays only
 * those who wait for it. Removals are as durable as additions. Every row has its generation and its epoch, so the order
 * of changes does not matter. Tenants are stored as DBIDs, phones only as tokens.
 */
import { Worker } from "node:worker_threads";
import type { ThreadReply } from "./messages.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { OwnershipStore, StoreOptions, StoreThread } from "./types.ts";

export type { StoreChange, ThreadReply, ThreadRequest } from "./messages.ts";
export {
  StoreFailed,
  type OwnershipRow,
  type OwnershipStore,
  type RestoredRow,
  type RestoredUpstream,
  type StoreOptions,
  type StoreThread,
} from "./types.ts";

/** Rejects if the file cannot be opened (it is locked, the disk is full). A corrupt file is moved aside instead. */
export const openOwnershipStore = (file: string, options: StoreOptions = {}): Promise<OwnershipStore> =>
  new Promise((resolve, reject) => {
    const thread: StoreThread =
      options.thread ??
      new Worker(new URL("./store-worker.ts", import.meta.url), { workerData: file, name: "ownership", execArgv: [] });
    thread.once("error", reject).once("message", (reply: ThreadReply) => {
      thread.off("error", reject);
      if (reply.kind === "opened") resolve(new SqliteStore(thread, reply, options));
    });
  });
