/** Writes what was parsed of `tenants.d`, on a thread of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { unpack, type Kept } from "./kept.ts";
import { writeTenantsCache, type CachePlace } from "./tenants-cache.ts";

const { kept, place } = workerData as { readonly kept: Kept; readonly place: CachePlace };
parentPort!.postMessage(await writeTenantsCache(place, unpack(kept)));
