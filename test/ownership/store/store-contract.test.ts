import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { openOwnershipStore, type OwnershipStore } from "../../../src/ownership/store/store.ts";
import { describeStoreContract } from "./store-contract.ts";

describeStoreContract("SQLite", async () => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-contract-"));
  const file = join(dir, "ownership.sqlite");
  const threads = new Map<OwnershipStore, Worker>();
  return {
    open: async (options) => {
      const thread = new Worker(new URL("../../../src/ownership/store/store-worker.ts", import.meta.url), {
        workerData: file,
        execArgv: [],
      });
      const store = await openOwnershipStore(file, { ...options, thread });
      threads.set(store, thread);
      return store;
    },
    crash: async (store) => void (await threads.get(store)!.terminate()),
    lock: (how) => {
      const holder = new DatabaseSync(file);
      holder.exec(how === "alone" ? "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE" : "BEGIN IMMEDIATE");
      return () => {
        if (holder.isTransaction) holder.exec("ROLLBACK");
        holder.close();
      };
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
});
