/**
 * Some file systems (many of FUSE) take every lock and keep nobody out. Where it is not known what a lock is worth,
 * another process tries to take it while this one has it.
 */
import { execFile } from "node:child_process";

/** Exit codes: kept out, let in, and what says neither. */
const [OUT, IN, NEITHER] = [0, 9, 1];

const SCRIPT = `
try {
  const database = new (require("node:sqlite").DatabaseSync)(process.argv[1], { timeout: 0 });
  database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  process.exit(${IN});
} catch (error) {
  process.exit((error.errcode & 0xff) === 5 ? ${OUT} : ${NEITHER});
}`;

const PATIENCE_MS = 10_000;

/**
 * To be asked while this process has the lock on the file. Undefined where no process could be started, or it could
 * not tell.
 */
export const keepsOthersOut = (path: string): Promise<boolean | undefined> =>
  new Promise((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: "", NODE_NO_WARNINGS: "1" };
    const child = execFile(process.execPath, ["-e", SCRIPT, path], { timeout: PATIENCE_MS, env }, () => undefined);
    child.once("error", () => resolve(undefined));
    child.once("close", (code) => resolve(code === OUT ? true : code === IN ? false : undefined));
  });
