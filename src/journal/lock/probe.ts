/**
 * Some file systems (many FUSE ones) grant every lock and exclude nobody. Where the quality of locks is unknown,
 * another process tries to take the lock while this one holds it.
 */
import { execFile } from "node:child_process";

/** Exit codes: lock refused, lock granted, undecided. */
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
 * Call it while this process holds the lock on the file. Undefined when no process could be started, or it could not
 * decide.
 */
export const keepsOthersOut = (path: string): Promise<boolean | undefined> =>
  new Promise((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: "", NODE_NO_WARNINGS: "1" };
    const child = execFile(process.execPath, ["-e", SCRIPT, path], { timeout: PATIENCE_MS, env }, () => undefined);
    child.once("error", () => resolve(undefined));
    child.once("close", (code) => resolve(code === OUT ? true : code === IN ? false : undefined));
  });
