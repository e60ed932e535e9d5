/** Reads a config file on a thread of its own, each time that it is asked, and gives what it read in small batches. */
import { parentPort, workerData } from "node:worker_threads";
import { depart } from "./crossing.ts";
import { pack, unpack } from "./kept.ts";
import { readSettled } from "./reading.ts";
import { countIn, type Cell } from "../small-file/hanging.ts";
import { showIn, type Sight } from "../small-file/in-sight.ts";
import { readTenantsCache } from "./tenants-cache.ts";
import type { Head, Job } from "./reading-thread.ts";

const port = parentPort!;
const { sight, cell } = workerData as { readonly sight: Sight; readonly cell: Cell };
showIn(sight);
countIn(cell);
let batches: Iterator<readonly unknown[]> = [].values();

const read = async ({ kept, ...asked }: Job): Promise<Head> => {
  const content = kept && unpack(kept);
  const { checked, parsed, loaded } = await readSettled({
    ...asked,
    content,
    ...(!content && { parsed: await readTenantsCache(asked.file) }),
  });
  if (!checked.ok) return { checked };
  const {
    settings: { tenants, ...settings },
    keys,
    ...rest
  } = checked;
  const tenantsOver = depart(tenants, content?.tenants ?? []);
  const keysOver = keys && depart(keys, content?.keys ?? []);
  batches = [...tenantsOver.batches, ...(keysOver?.batches ?? [])].values();
  const next = pack({
    text: loaded.text!,
    parsed,
    ended: [...loaded.ended],
    pieces: [...checked.pieces],
    tenants: tenantsOver.digests,
    keys: keysOver?.digests ?? [],
  });
  return { checked: { ...rest, settings }, kept: next, tenants: tenantsOver.crossing, keys: keysOver?.crossing };
};

port.on("message", (asked: Job | "next") => {
  if (asked === "next") port.postMessage(batches.next().value);
  else void read(asked).then((head) => port.postMessage(head));
});
