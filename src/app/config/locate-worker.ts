/** Worker thread that reads the config as it is now, once, and finds the lines of settings in it. */
import { parentPort, workerData } from "node:worker_threads";
import { loadToRead } from "../../settings/load.ts";
import type { Path } from "../../settings/problems/problem.ts";

const { file } = workerData as { readonly file: string };
const reading = loadToRead(file);

parentPort!.on("message", async (path: Path) => {
  const loaded = await reading;
  if (!loaded.ok) return parentPort!.postMessage(undefined);
  const { line, column, file: at = file } = loaded.locate(path);
  return parentPort!.postMessage({ rule: loaded.formatPath(path), at: `${at}:${line}:${column}`, hash: loaded.hash });
});
