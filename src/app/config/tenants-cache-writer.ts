/** Writes the cache of `tenants.d` for the next start, after each switch in which the tenants' files changed. */
import { Worker } from "node:worker_threads";
import { events } from "../../common/log/events.ts";
import type { Generation } from "../generation.ts";
import type { ShutdownSteps } from "../shutdown.ts";
import type { CachePlace } from "./tenants-cache.ts";
import { SerialQueue } from "../../common/serial-queue.ts";

export type TenantsCacheWriter = { readonly switched: () => void };

export const startTenantsCacheWriter = (current: () => Generation, stops: ShutdownSteps): TenantsCacheWriter => {
  let last = "";
  const writes = new SerialQueue();
  stops.push(() => writes.idle());
  return {
    switched: () => {
      const {
        kept,
        config,
        settings: { audit },
      } = current();
      // The first two are the config file and the list of the folder's files.
      const files = [...(config ?? [])].slice(2);
      const hashes = JSON.stringify(files);
      if (!kept || files.length === 0 || hashes === last) return;
      last = hashes;
      const place: CachePlace = { auditDir: audit.dir, checkpointKey: audit.checkpoint.key };
      void writes
        .run(() => write({ kept, place }))
        .catch((error: unknown) => {
          // The next switch tries again.
          last = "";
          events.tenantsCacheNotWritten({ error });
        });
    },
  };
};

const write = (workerData: object): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./tenants-cache-worker.ts", import.meta.url), { workerData, name: "tenants" });
    worker.once("error", reject).once("exit", () => resolve());
  });
