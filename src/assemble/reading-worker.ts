/** Reads a config file on a thread of its own, once, and gives what it read in small batches. */
import { parentPort, workerData } from "node:worker_threads";
import { depart } from "./crossing.ts";
import { pack, unpack } from "./kept.ts";
import { readSettled } from "./reading.ts";
import { readTenantsCache } from "./tenants-cache.ts";
import type { Head, Job } from "./reading-thread.ts";

const port = parentPort!;
const { kept, ...asked } = workerData as Job;
const content = kept && unpack(kept);
const { checked, parsed, loaded } = await readSettled({ ...asked, content, ...(!content && { parsed: await readTenantsCache(asked.file) }) });

if (!checked.ok) {
  port.postMessage({ checked } satisfies Head);
} else {
  const { settings: { tenants, ...settings }, keys, ...rest } = checked;
  const tenantsOver = depart(tenants, content?.tenants ?? []);
  const keysOver = keys && depart(keys, content?.keys ?? []);
  const next = pack({
    text: loaded.text!,
    parsed,
    ended: [...loaded.ended],
    pieces: [...checked.pieces],
    tenants: tenantsOver.digests,
    keys: keysOver?.digests ?? [],
  });
  const batches = [...tenantsOver.batches, ...(keysOver?.batches ?? [])].values();
  port.on("message", () => {
    const { value, done } = batches.next();
    if (done) port.close();
    else port.postMessage(value);
  });
  port.postMessage({
    checked: { ...rest, settings }, kept: next, tenants: tenantsOver.crossing, keys: keysOver?.crossing,
  } satisfies Head);
}
