/**
 * For whom a witness cosigns: verifier keys, one to a line, given when it starts or kept in `logs.txt` in its
 * state.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { nameOfKey } from "../journal/note.ts";
import type { Logs } from "./witness.ts";
import { readSmallFile } from "../small-file.ts";
import { faultInWords } from "../system-error.ts";

const FILE = "logs.txt";
const MOST_BYTES = 1 << 20;

/** Throws an error that quotes the first line that is no verifier key of a log. */
export const readLogs = (text: string): readonly string[] => {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const wrong = lines.find((line) => nameOfKey(line) === undefined);
  if (wrong !== undefined) {
    throw new Error(
      `${JSON.stringify(wrong.slice(0, 100))} is no verifier key of a log: ` +
        `expected name+8 hex digits+base64, as in checkpoint.pub`,
    );
  }
  return lines;
};

/** The file is read again when it has changed. One that cannot be used is told, and the one before stays in force. */
export const openLogs = async (dir: string, given: readonly string[], tell: (fault: string) => void): Promise<Logs> => {
  const path = join(dir, FILE);
  let [seen, kept] = ["", [] as readonly string[]];
  const look = async (): Promise<void> => {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    // With the time of its last change of any kind: a file that may be read only now has its old content.
    const mark = found ? `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}` : "";
    if (mark === seen) return;
    seen = mark;
    if (found && (!found.isFile() || found.size > MOST_BYTES))
      throw new Error(`it is no file of at most ${MOST_BYTES} bytes`);
    kept = found ? readLogs(await readSmallFile(path)) : [];
  };
  await look();
  return async () => {
    await look().catch((error: unknown) => tell(`${path} is not used: ${faultInWords(error)}`));
    return byOrigin([...given, ...kept]);
  };
};

const byOrigin = (keys: readonly string[]): ReadonlyMap<string, readonly string[]> =>
  Map.groupBy(keys, (line) => nameOfKey(line)!.name);
