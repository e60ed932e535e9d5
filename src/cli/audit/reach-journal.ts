/**
 * How a command gets at the journal. While a gateway has it open, the gateway is asked over its socket and the command writes nothing in the
 * directory; else the command takes the lock itself, for the time that it writes.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { askGateway, CommandFailed, isListening } from "../journal/command-socket.ts";
import { holderInWords } from "../journal/lock/holder.ts";
import { holderOf, isThere, JournalHeld, tryLock, type Lock } from "../journal/lock.ts";
import { places } from "../journal/places.ts";
import { giveFolderNow } from "../file-owner.ts";
import { faultInWords } from "../system-error.ts";

export type Way =
  /** Rejects with WrongCommand or CommandFailed. */
  | { readonly by: "gateway"; readonly ask: (name: string, body: object) => Promise<unknown> }
  | { readonly by: "lock"; readonly lock: Lock };

export class NoJournal extends Error {
  override readonly name = "NoJournal";
}

/** A gateway that starts, and another command, are waited for. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 100;

/** Throws NoJournal, JournalHeld when neither comes about in time, LockUnavailable where this process can take no lock. */
export const reachJournal = async (dir: string, command: string, patienceMs = PATIENCE_MS): Promise<Way> => {
  const there = await isThere(dir).catch((error: unknown) => {
    throw new NoJournal(faultInWords(error), { cause: error });
  });
  if (!there) throw new NoJournal(`there is no journal in ${dir}`);
  const until = performance.now() + patienceMs;
  for (;;) {
    if (await isListening(places(dir).commands))
      return { by: "gateway", ask: (name, body) => askRunning(dir, name, body) };
    const lock = await lockAsOwner(dir, command);
    if (lock) return { by: "lock", lock };
    if (performance.now() >= until) throw new JournalHeld(dir, holderInWords(holderOf(dir)), holderOf(dir));
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
};

const askRunning = async (dir: string, name: string, body: object): Promise<unknown> => {
  const told = await askGateway(places(dir).commands, { name, body });
  if (!told) throw new CommandFailed("the gateway stopped at this moment; ask again");
  return told.answer;
};

/** What root would make in the directory must be the gateway's user's, or that one could not go on with it. */
const lockAsOwner = async (dir: string, command: string): Promise<Lock | undefined> => {
  const back = becomeOwner(dir);
  try {
    const lock = await tryLock(dir, { command: `ocsgw ${command}`, role: "command" });
    if (!lock) back();
    return (
      lock && {
        ...lock,
        release: () =>
          Promise.resolve()
            .then(() => leaveToOwner(dir))
            .finally(lock.release)
            .finally(back),
      }
    );
  } catch (error) {
    back();
    throw error;
  }
};

/** Returns the function that makes this process root again. */
const becomeOwner = (dir: string): (() => void) => {
  const { uid, gid } = statSync(dir);
  if (process.geteuid?.() !== 0 || uid === 0) return () => undefined;
  const back = (): void => {
    process.seteuid!(0);
    process.setegid!(0);
  };
  try {
    process.setegid!(gid);
    process.seteuid!(uid);
    readdirSync(dir);
    return back;
  } catch {
    // Without the capability there is nobody else to be; and what systemd keeps for a dynamic user lies where only root comes.
    back();
    return () => undefined;
  }
};

/** Where root could not become the owner: what it made is given to that one. Nothing that stands anywhere else as well. */
const leaveToOwner = (dir: string): void => {
  const { uid, gid } = statSync(dir);
  if (process.geteuid?.() !== 0 || uid === 0) return;
  giveFolderNow(dir, { uid, gid }, true);
  for (const name of ["lock", "segments", "checkpoints", "index"]) giveFolderNow(join(dir, name), { uid, gid });
};
