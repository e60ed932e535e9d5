/**
 * Access of a command to the journal. While a gateway has the journal open, the command asks the gateway over its
 * socket and writes nothing itself. Otherwise the command takes the lock.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { askGateway, CommandFailed, isListening } from "../../journal/command-socket.ts";
import { holderInWords } from "../../journal/lock/holder.ts";
import { holderOf, isThere, JournalHeld, tryLock, type Lock } from "../../journal/lock/lock.ts";
import { paths } from "../../journal/paths.ts";
import { giveFolderNow } from "../../common/file-owner.ts";
import { faultInWords } from "../../common/system-error.ts";

export type JournalAccess =
  /** Rejects with WrongCommand or CommandFailed. */
  | { readonly by: "gateway"; readonly ask: (name: string, body: object) => Promise<unknown> }
  | { readonly by: "lock"; readonly lock: Lock };

export class NoJournal extends Error {
  override readonly name = "NoJournal";
}

/** How long to wait for a gateway that starts, or for another command. */
const PATIENCE_MS = 10_000;
const POLL_MS = 100;

/**
 * Throws NoJournal; JournalHeld if neither gateway nor lock is available in time; LockUnavailable if this process
 * cannot lock the directory.
 */
export const reachJournal = async (dir: string, command: string, patienceMs = PATIENCE_MS): Promise<JournalAccess> => {
  const there = await isThere(dir).catch((error: unknown) => {
    throw new NoJournal(faultInWords(error), { cause: error });
  });
  // Without `-c` a command takes the sample's config, and a gateway of the sandbox has another one.
  if (!there) throw new NoJournal(`there is no journal in ${dir}. If the gateway has another config, name it with -c`);
  const until = performance.now() + patienceMs;
  for (;;) {
    if (await isListening(paths(dir).commands))
      return { by: "gateway", ask: (name, body) => askRunning(dir, name, body) };
    const lock = await lockAsOwner(dir, command);
    if (lock) return { by: "lock", lock };
    if (performance.now() >= until) throw new JournalHeld(dir, holderInWords(holderOf(dir)), holderOf(dir));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

const askRunning = async (dir: string, name: string, body: object): Promise<unknown> => {
  const reply = await askGateway(paths(dir).commands, { name, body });
  if (!reply) throw new CommandFailed("the gateway stopped while it was asked; repeat the command");
  return reply.answer;
};

/** Files that root creates must belong to the gateway's user, or the gateway could not write them later. */
const lockAsOwner = async (dir: string, command: string): Promise<Lock | undefined> => {
  const becomeRoot = becomeOwner(dir);
  try {
    const lock = await tryLock(dir, { command: `ocsgw ${command}`, role: "command" });
    if (!lock) becomeRoot();
    return (
      lock && {
        ...lock,
        release: () =>
          Promise.resolve()
            .then(() => leaveToOwner(dir))
            .finally(lock.release)
            .finally(becomeRoot),
      }
    );
  } catch (error) {
    becomeRoot();
    throw error;
  }
};

/** Returns the function that makes this process root again. */
const becomeOwner = (dir: string): (() => void) => {
  const { uid, gid } = statSync(dir);
  if (process.geteuid?.() !== 0 || uid === 0) return () => undefined;
  const becomeRoot = (): void => {
    process.seteuid!(0);
    process.setegid!(0);
  };
  try {
    process.setegid!(gid);
    process.seteuid!(uid);
    readdirSync(dir);
    return becomeRoot;
  } catch {
    // Root may lack the capability to change its user; and only root can reach the directory of a dynamic systemd user.
    becomeRoot();
    return () => undefined;
  }
};

/** If root could not become the owner: gives what it created to the owner, except files with further hard links. */
const leaveToOwner = (dir: string): void => {
  const { uid, gid } = statSync(dir);
  if (process.geteuid?.() !== 0 || uid === 0) return;
  giveFolderNow(dir, { uid, gid }, true);
  for (const name of ["lock", "segments", "checkpoints", "index"]) giveFolderNow(join(dir, name), { uid, gid });
};
