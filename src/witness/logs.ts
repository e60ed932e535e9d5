/** The logs of a witness: verifier keys, one on each line, from the command line or from `logs.txt` in its state. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { nameOfKey } from "../journal/integrity/checkpoints/signed-note.ts";
import type { Logs } from "./witness.ts";
import { readSmallFile } from "../common/small-file/small-file.ts";
import { faultInWords } from "../common/system-error.ts";

const FILE = "logs.txt";
const MAX_BYTES = 1 << 20;

/** Throws an error that quotes the first invalid line. */
export const readLogs = (text: string): readonly string[] => {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const wrong = lines.find((line) => nameOfKey(line) === undefined);
  if (wrong !== undefined) {
    throw new Error(
      `${JSON.stringify(wrong.slice(0, 100))} is not the verifier key of a log: ` +
        `expected name+8 hex digits+base64, as in checkpoint.pub`,
    );
  }
  return lines;
};

/** The file is read again when it has changed. An invalid one is reported, and the previous one stays in force. */
export const openLogs = async (
  dir: string,
  given: readonly string[],
  warn: (problem: string) => void,
): Promise<Logs> => {
  const path = join(dir, FILE);
  let [known, keys] = ["", [] as readonly string[]];
  const refresh = async (): Promise<void> => {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    // ctime changes also when the permissions do: a file that became readable has its old mtime.
    const version = found ? `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}` : "";
    if (version === known) return;
    known = version;
    if (found && (!found.isFile() || found.size > MAX_BYTES))
      throw new Error(`expected a file of at most ${MAX_BYTES} bytes`);
    keys = found ? readLogs(await readSmallFile(path)) : [];
  };
  await refresh();
  return async () => {
    await refresh().catch((error: unknown) => warn(`${path} is not used: ${faultInWords(error)}`));
    return byOrigin([...given, ...keys]);
  };
};

const byOrigin = (keys: readonly string[]): ReadonlyMap<string, readonly string[]> =>
  Map.groupBy(keys, (line) => nameOfKey(line)!.name);
