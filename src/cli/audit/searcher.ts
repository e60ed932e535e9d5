/**
 * Searches of a command. The gateway that has the journal open answers them, or the command itself. The command updates
 * the search index under the lock; it releases the lock now and then, so that no gateway waits until a long journal is
 * indexed. If it cannot write to the directory, it reads the existing indexes and indexes the rest in a temporary
 * directory.
 */
import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandFailed } from "../../journal/command-socket.ts";
import { JournalHeld, LockUnavailable } from "../../journal/lock/lock.ts";
import { paths } from "../../journal/paths.ts";
import { answerOf } from "../../journal/search/worker/answer.ts";
import type { Answer, Question } from "../../journal/search/worker/messages.ts";
import { TimeLimit } from "../../journal/search/worker/time-limit.ts";
import { JournalSearch } from "../../journal/search/journal-search.ts";
import { faultInWords } from "../../common/system-error.ts";
import { journalProgress } from "../process/journal-progress.ts";
import type { Progress } from "../process/progress.ts";
import { reachJournal, type JournalAccess } from "./reach-journal.ts";

export type Searcher = {
  /** Rejects with FilterError, NothingToLookFor, TookTooLong, CannotTell, WrongCommand or CommandFailed. */
  readonly ask: (question: Question, timeoutMs?: number) => Promise<Answer>;
  /** A page of a filter, as JournalSearch gives it. */
  readonly page: JournalSearch["page"];
  readonly close: () => Promise<void>;
};

const searcherBy = (ask: Searcher["ask"], close: Searcher["close"]): Searcher => ({
  ask,
  page: async ({ text }, { before, limit }) => {
    const { transactions = [], next } = await ask({ kind: "page", filter: text, names: [], before, limit });
    return { transactions, next };
  },
  close,
});

/** The message says why the gateway could not answer. */
export class CannotTell extends Error {
  override readonly name = "CannotTell";
}

const LONGEST_MS = 600_000;

/** Throws NoJournal; CannotTell if there is no space for an index anywhere. */
export const openSearcher = async (dir: string, command: string): Promise<Searcher> => {
  const { reach: onProgress, end } = await journalProgress("indexing", dir);
  try {
    return await openWith(dir, command, onProgress);
  } finally {
    end();
  }
};

const openWith = async (dir: string, command: string, onProgress: Progress["reach"]): Promise<Searcher> => {
  const openTemporary = (): Promise<Searcher> =>
    searchDirectly(dir, command, { access: undefined, onProgress }).catch(rethrowWithoutSpace);
  try {
    return await openByAccess(dir, command, { onProgress, openTemporary });
  } catch (error) {
    const why = spaceFaultIn(error);
    if (why === undefined) throw error;
    console.error(
      `the search index cannot be written beside the journal (${why}); using a temporary index in ${tmpdir()}`,
    );
    return openTemporary();
  }
};

type SearchOptions = { readonly onProgress: Progress["reach"]; readonly openTemporary: () => Promise<Searcher> };

const openByAccess = async (
  dir: string,
  command: string,
  { onProgress, openTemporary }: SearchOptions,
): Promise<Searcher> => {
  for (;;) {
    const access = await accessTo(dir, command);
    if (access?.by === "gateway") return throughGateway(access, openTemporary);
    try {
      return await searchDirectly(dir, command, { access, onProgress });
    } catch (error) {
      // Then ask the gateway.
      if (!(error instanceof GatewayTookOver)) throw error;
    }
  }
};

const NO_SPACE = /no space is left on the disk|the disk quota is used up/;
const spaceFaultIn = (error: unknown): string | undefined => NO_SPACE.exec(faultInWords(error))?.[0];

/** Asks the gateway. If the gateway has no space for its index, the command answers itself. */
const throughGateway = (access: GatewayAccess, openTemporary: () => Promise<Searcher>): Searcher => {
  let ownSearcher: Promise<Searcher> | undefined;
  const ask: Searcher["ask"] = async (question, ms = LONGEST_MS) => {
    if (ownSearcher) return (await ownSearcher).ask(question, ms);
    try {
      return await inTime(askGateway(access, question), new TimeLimit(ms));
    } catch (error) {
      const why = error instanceof CommandFailed ? spaceFaultIn(error) : undefined;
      if (why === undefined) throw error;
      console.error(
        `the running gateway cannot write its search index (${why}); using a temporary index in ${tmpdir()}`,
      );
      ownSearcher = openTemporary();
      return (await ownSearcher).ask(question, ms);
    }
  };
  return searcherBy(ask, async () => {
    await ownSearcher?.then(
      ({ close }) => close(),
      () => undefined,
    );
  });
};

const rethrowWithoutSpace = (error: unknown): never => {
  throw spaceFaultIn(error)
    ? new CannotTell(
        `nothing was searched: no room for a temporary index in ${tmpdir()} either. Free some, or set TMPDIR to ` +
          "a folder with room",
      )
    : error;
};

/** Undefined if the journal can only be read. */
export const accessTo = async (dir: string, command: string): Promise<JournalAccess | undefined> => {
  try {
    const access = await reachJournal(dir, command);
    if (access.by === "lock" || mayUse(paths(dir).commands)) return access;
    console.error("the running gateway accepts commands only from its own user and from root; using a temporary index");
    return undefined;
  } catch (error) {
    if (error instanceof LockUnavailable) return undefined;
    if (!(error instanceof JournalHeld)) throw error;
    console.error(
      `${error.message}, and accepts no commands; entries that its indexes lack are indexed in a temporary directory`,
    );
    return undefined;
  }
};

/** Named pipes of Windows have no file. */
const mayUse = (socket: string): boolean => {
  if (process.platform === "win32") return true;
  try {
    accessSync(socket, constants.W_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EACCES";
  }
};

type GatewayAccess = Extract<JournalAccess, { by: "gateway" }>;

/** Results per question: the gateway builds answers on the thread that serves requests. */
const PAGE = 200;

const askGateway = async ({ ask }: GatewayAccess, question: Question): Promise<Answer> => {
  const askPage = (each: Question): Promise<Answer> =>
    (ask("question", each) as Promise<Answer>).catch(rethrowAsCannotTell);
  if (!("limit" in question) || question.limit <= PAGE) return askPage(question);
  const first = await askPage({ ...question, limit: PAGE });
  const transactions = [...(first.transactions ?? [])];
  let { next } = first;
  while (next !== undefined && transactions.length < question.limit) {
    const page: Answer = await askPage({
      ...question,
      before: next,
      limit: Math.min(PAGE, question.limit - transactions.length),
    });
    transactions.push(...(page.transactions ?? []));
    ({ next } = page);
  }
  return { ...first, transactions, next };
};

/** Messages of the gateway's search: an error's name and its message, or a timeout. */
const NOTHING_SEARCHED = /^(?:IndexKeyDiffers|LineDamaged): (.*)$/s;
const TOOK_TOO_LONG = /^the search (was stopped|index is being)/;

const rethrowAsCannotTell = (error: unknown): never => {
  if (!(error instanceof CommandFailed)) throw error;
  const [, why] = NOTHING_SEARCHED.exec(error.message) ?? [];
  if (why !== undefined) throw new CannotTell(`nothing was searched: ${why}`);
  throw TOOK_TOO_LONG.test(error.message) ? new CannotTell(error.message) : error;
};

/** Rejects with TookTooLong at the caller's time limit, which may be shorter than the gateway's. */
const inTime = async (answer: Promise<Answer>, limit: TimeLimit): Promise<Answer> => {
  const aborted = new AbortController();
  const late = sleep(limit.left, undefined, { signal: aborted.signal }).then(() => {
    limit.check(0);
    throw new CannotTell("the search was stopped");
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    aborted.abort();
    late.catch(() => undefined);
  }
};

/** A gateway took the lock while the command had released it. */
class GatewayTookOver extends Error {}

const TURN_MS = 2000;
/** Longer than the interval at which a waiting gateway tries to take the lock. */
const PAUSE_MS = 150;

type DirectSearch = {
  readonly access: Extract<JournalAccess, { by: "lock" }> | undefined;
  readonly onProgress: Progress["reach"];
};

const searchDirectly = async (
  dir: string,
  command: string,
  { access, onProgress }: DirectSearch,
): Promise<Searcher> => {
  let lock = access?.lock;
  let turn = performance.now();
  const yieldLock = async (size: number): Promise<void> => {
    onProgress(size);
    if (!lock || performance.now() - turn < TURN_MS) return;
    await lock.release();
    lock = undefined;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const again = await reachJournal(dir, command);
    if (again.by === "gateway") throw new GatewayTookOver();
    lock = again.lock;
    turn = performance.now();
  };
  let search: JournalSearch | undefined;
  const close = async (): Promise<void> => {
    search?.close();
    await lock?.release();
  };
  try {
    const opened = (search = new JournalSearch(dir, { isTemporary: lock === undefined }));
    await opened.refresh(yieldLock);
    return searcherBy((question, ms = LONGEST_MS) => answerOf(opened, question, new TimeLimit(ms)), close);
  } catch (error) {
    await close();
    throw error;
  }
};
