/** Keeps what was parsed of `tenants.d` for the next start, after each switch that brought other files of tenants. */
import { Worker } from "node:worker_threads";
import { events } from "../events.ts";
import type { Generation } from "./generation.ts";
import type { Stops } from "./stops.ts";
import type { CachePlace } from "./tenants-cache.ts";

export type TenantsKeeping = { readonly switched: () => void };

export const startTenantsKeeping = (current: () => Generation, stops: Stops): TenantsKeeping => {
  let last = "";
  let writing: Promise<void> = Promise.resolve();
  stops.push(() => writing);
  return {
    switched: () => {
      const {
        kept,
        config,
        settings: { audit },
      } = current();
      // The first is the config file, the second the listing.
      const files = [...(config ?? [])].slice(2);
      const hashes = JSON.stringify(files);
      if (!kept || files.length === 0 || hashes === last) return;
      last = hashes;
      const place: CachePlace = { auditDir: audit.dir, checkpointKey: audit.checkpoint.key };
      writing = writing.then(() => write({ kept, place })).catch(events.tenantsNotKept);
    },
  };
};

const write = (workerData: object): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./tenants-cache-worker.ts", import.meta.url), { workerData, name: "tenants" });
    worker.once("error", reject).once("exit", () => resolve());
  });
