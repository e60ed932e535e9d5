/** The thread that reads a config file on request, and returns the result in small batches. */
import { parentPort, workerData } from "node:worker_threads";
import { prepareList } from "./thread-transfer.ts";
import { pack, unpack } from "./parsed-cache.ts";
import { readSettled } from "./load-config.ts";
import { countIn, type Cell } from "../../common/small-file/hanging.ts";
import { publishFileCalls, type FileCallBuffer } from "../../common/small-file/file-call.ts";
import { readTenantsCache } from "./tenants-cache.ts";
import type { FirstMessage, Job } from "./config-thread.ts";

const port = parentPort!;
const { fileCallBuffer, cell } = workerData as { readonly fileCallBuffer: FileCallBuffer; readonly cell: Cell };
publishFileCalls(fileCallBuffer);
countIn(cell);
let batches: Iterator<readonly unknown[]> = [].values();

const read = async ({ kept, ...options }: Job): Promise<FirstMessage> => {
  const content = kept && unpack(kept);
  const { checked, parsed, loaded } = await readSettled({
    ...options,
    content,
    ...(!content && { parsed: await readTenantsCache(options.file) }),
  });
  if (!checked.ok) return { checked };
  const {
    settings: { tenants, ...settings },
    keys,
    ...rest
  } = checked;
  const tenantsOver = prepareList(tenants, content?.tenants ?? []);
  const keysOver = keys && prepareList(keys, content?.keys ?? []);
  batches = [...tenantsOver.batches, ...(keysOver?.batches ?? [])].values();
  const next = pack({
    text: loaded.text!,
    parsed,
    ended: [...loaded.ended],
    pieces: [...checked.pieces],
    tenants: tenantsOver.digests,
    keys: keysOver?.digests ?? [],
  });
  return { checked: { ...rest, settings }, kept: next, tenants: tenantsOver.transfer, keys: keysOver?.transfer };
};

port.on("message", (message: Job | "next") => {
  if (message === "next") port.postMessage(batches.next().value);
  else void read(message).then((head) => port.postMessage(head));
});
