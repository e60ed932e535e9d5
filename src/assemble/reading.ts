/** One reading of the config file, whole: checked, held to its own examples and to what cannot change. Plain values, so that a thread may give it to another. */
import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import type { KeyChecks } from "../journal/key-checks.ts";
import { holdToExamples } from "../rehearsal/policy-tests.ts";
import { loadSettings, type FilesRead } from "../settings/load.ts";
import { pathText, type Problem } from "../settings/problem.ts";
import { needsRestart, type Fixed } from "../settings/restart.ts";
import type { Settings } from "../settings/schema.ts";
import { keyProblems } from "./index-keys.ts";

export type Checked = { readonly hash: string; readonly files: FilesRead } & (
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }
);

/** `before`: what is in force of that which cannot change. `keyChecks`: what the journal states of index keys. */
export type Asked = { readonly file: string; readonly before?: Fixed | undefined; readonly keyChecks?: KeyChecks | undefined };

/** Never rejects. */
export const readChecked = async ({ file, before, keyChecks = {} }: Asked): Promise<Checked> => {
  const loaded = await holdToExamples(await loadSettings(file), file);
  const { hash, files } = loaded;
  if (!loaded.ok) return { ok: false, hash, files, problems: loaded.problems.filter(({ severity }) => severity === "error") };
  const { settings, warnings, locate } = loaded;
  const fixed = before ? needsRestart(before, settings) : [];
  const problems: readonly Problem[] = [
    ...fixed.map(({ code, path, message, help }): Problem => ({ severity: "error", code, file, ...locate(path), path: pathText(path), message, ...(help !== undefined && { help }) })),
    ...keyProblems({ settings, locate, file }, keyChecks),
  ];
  return problems.length === 0 ? { ok: true, hash, files, settings, warnings } : { ok: false, hash, files, problems };
};

/** A file of so many bytes is read in less time than a thread takes to begin. */
const SMALL = 64 * 1024;

/**
 * The same. A large file is read on a thread of its own: ten thousand tenants take seconds, in which every request would wait, and what was
 * read of them on the way would stay in the heap of those who serve.
 */
export const readAside = async (asked: Asked): Promise<Checked> => {
  const size = await stat(asked.file).then((found) => found.size, () => 0);
  return size < SMALL ? readChecked(asked) : onThread(asked);
};

const onThread = (asked: Asked): Promise<Checked> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./reading-worker.ts", import.meta.url), { workerData: asked, name: "config" });
    worker.once("message", (checked: Checked) => resolve(checked)).once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread that reads the config file ended with ${code}`)));
  });
