/** Worker thread that writes the cache of `tenants.d`. */
import { parentPort, workerData } from "node:worker_threads";
import { unpack, type PackedContent } from "./parsed-cache.ts";
import { writeTenantsCache, type CachePlace } from "./tenants-cache.ts";

const { kept, place } = workerData as { readonly kept: PackedContent; readonly place: CachePlace };
parentPort!.postMessage(await writeTenantsCache(place, unpack(kept)));
