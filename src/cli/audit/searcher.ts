/**
 * Questions of a command about the journal: asked of the gateway that has it open, or answered here. Here the index beside the segments is brought
 * up to date under the lock, which is given away for a moment now and then, so that no gateway waits for a long journal to be indexed; where
 * nothing can be written, the indexes that are there are read, and what they lack is indexed in a temporary directory.
 */
import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandFailed } from "../../journal/command-socket.ts";
import { JournalHeld, LockUnavailable } from "../../journal/lock.ts";
import { places } from "../../journal/places.ts";
import { answerOf } from "../../journal/search/answer.ts";
import type { Answer, Question } from "../../journal/search/questions.ts";
import { TimeLimit } from "../../journal/search/time-limit.ts";
import { Finder } from "../../journal/search.ts";
import { faultInWords } from "../../system-error.ts";
import { reachJournal, type Way } from "../journal.ts";

export type Searcher = {
  /** Rejects with FilterError, NothingToLookFor, TookTooLong, CannotTell, WrongCommand or CommandFailed. */
  readonly ask: (question: Question, timeoutMs?: number) => Promise<Answer>;
  /** The same for a filter, as a Finder has it. */
  readonly page: Finder["page"];
  readonly close: () => Promise<void>;
};

const searcherBy = (ask: Searcher["ask"], close: Searcher["close"]): Searcher => ({
  ask,
  page: async ({ text }, { before, limit }) => {
    const { stories = [], next } = await ask({ kind: "page", filter: text, names: [], before, limit });
    return { stories, next };
  },
  close,
});

/** In words, why the gateway could not find out. */
export class CannotTell extends Error {
  override readonly name = "CannotTell";
}

const LONGEST_MS = 600_000;

type Progress = (size: number) => void;

/** Throws NoJournal, and CannotTell where there is no room for an index anywhere. */
export const openSearcher = async (
  dir: string,
  command: string,
  tell: Progress = () => undefined,
): Promise<Searcher> => {
  const elsewhere = (): Promise<Searcher> => searchHere(dir, command, { way: undefined, tell }).catch(noRoomEither);
  try {
    return await openWithRoom(dir, command, { tell, elsewhere });
  } catch (error) {
    const why = noRoomIn(error);
    if (why === undefined) throw error;
    console.error(`no index can be written beside the journal (${why}): a temporary index is made in ${tmpdir()}`);
    return elsewhere();
  }
};

type Room = { readonly tell: Progress; readonly elsewhere: () => Promise<Searcher> };

const openWithRoom = async (dir: string, command: string, { tell, elsewhere }: Room): Promise<Searcher> => {
  for (;;) {
    const way = await wayTo(dir, command);
    if (way?.by === "gateway") return throughGateway(way, elsewhere);
    try {
      return await searchHere(dir, command, { way, tell });
    } catch (error) {
      // The gateway is asked then.
      if (!(error instanceof GaveWay)) throw error;
    }
  }
};

const NO_ROOM = /no space is left on the disk|the disk quota is used up/;
const noRoomIn = (error: unknown): string | undefined => NO_ROOM.exec(faultInWords(error))?.[0];

/** The gateway answers; where its disk has no room for its index, the question is answered here. */
const throughGateway = (way: Gateway, elsewhere: () => Promise<Searcher>): Searcher => {
  let here: Promise<Searcher> | undefined;
  const ask: Searcher["ask"] = async (question, ms = LONGEST_MS) => {
    if (here) return (await here).ask(question, ms);
    try {
      return await inTime(askGateway(way, question), new TimeLimit(ms));
    } catch (error) {
      const why = error instanceof CommandFailed ? noRoomIn(error) : undefined;
      if (why === undefined) throw error;
      console.error(`the running gateway cannot write its index (${why}): a temporary index is made in ${tmpdir()}`);
      here = elsewhere();
      return (await here).ask(question, ms);
    }
  };
  return searcherBy(ask, async () => {
    await here?.then(
      ({ close }) => close(),
      () => undefined,
    );
  });
};

const noRoomEither = (error: unknown): never => {
  throw noRoomIn(error)
    ? new CannotTell(
        `nothing was searched: no room for a temporary index in ${tmpdir()} either. Free some, or set TMPDIR to a folder with room`,
      )
    : error;
};

/** Undefined where the journal can be read and nothing written. */
export const wayTo = async (dir: string, command: string): Promise<Way | undefined> => {
  try {
    const way = await reachJournal(dir, command);
    if (way.by === "lock" || mayUse(places(dir).commands)) return way;
    console.error("the gateway that runs takes commands from its own user and root only: a temporary index is made");
    return undefined;
  } catch (error) {
    if (error instanceof LockUnavailable) return undefined;
    if (!(error instanceof JournalHeld)) throw error;
    console.error(
      `${error.message}, and does not take commands: what its indexes lack is indexed in a temporary directory`,
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

type Gateway = Extract<Way, { by: "gateway" }>;

/** So many at a time: answers are put together on the thread that serves requests. */
const PAGE = 200;

const askGateway = async ({ ask }: Gateway, question: Question): Promise<Answer> => {
  const put = (each: Question): Promise<Answer> => (ask("question", each) as Promise<Answer>).catch(retold);
  if (!("limit" in question) || question.limit <= PAGE) return put(question);
  const first = await put({ ...question, limit: PAGE });
  const stories = [...(first.stories ?? [])];
  let { next } = first;
  while (next !== undefined && stories.length < question.limit) {
    const page: Answer = await put({
      ...question,
      before: next,
      limit: Math.min(PAGE, question.limit - stories.length),
    });
    stories.push(...(page.stories ?? []));
    ({ next } = page);
  }
  return { ...first, stories, next };
};

/** As the gateway's search says it: an error's name and its message, or that the time was over. */
const NOTHING_SEARCHED = /^(?:IndexKeyDiffers|LineDamaged): (.*)$/s;
const TOOK_TOO_LONG = /^the search (was stopped|index is being)/;

const retold = (error: unknown): never => {
  if (!(error instanceof CommandFailed)) throw error;
  const [, why] = NOTHING_SEARCHED.exec(error.message) ?? [];
  if (why !== undefined) throw new CannotTell(`nothing was searched: ${why}`);
  throw TOOK_TOO_LONG.test(error.message) ? new CannotTell(error.message) : error;
};

/** Rejects with TookTooLong when the time of who asked is over, which may be less than the gateway gives. */
const inTime = async (answer: Promise<Answer>, limit: TimeLimit): Promise<Answer> => {
  const over = new AbortController();
  const late = sleep(limit.left, undefined, { signal: over.signal }).then(() => {
    limit.check(0);
    throw new CannotTell("the search was stopped");
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
};

/** A gateway took over while the lock was given away. */
class GaveWay extends Error {}

const TURN_MS = 2000;
/** Longer than a gateway that waits takes between two looks. */
const PAUSE_MS = 150;

type Here = { readonly way: Extract<Way, { by: "lock" }> | undefined; readonly tell: Progress };

const searchHere = async (dir: string, command: string, { way, tell }: Here): Promise<Searcher> => {
  let lock = way?.lock;
  let turn = performance.now();
  const giveWay = async (size: number): Promise<void> => {
    tell(size);
    if (!lock || performance.now() - turn < TURN_MS) return;
    await lock.release();
    lock = undefined;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const again = await reachJournal(dir, command);
    if (again.by === "gateway") throw new GaveWay();
    lock = again.lock;
    turn = performance.now();
  };
  let finder: Finder | undefined;
  const close = async (): Promise<void> => {
    finder?.close();
    await lock?.release();
  };
  try {
    const opened = (finder = new Finder(dir, { elsewhere: lock === undefined }));
    await opened.refresh(giveWay);
    return searcherBy((question, ms = LONGEST_MS) => answerOf(opened, question, new TimeLimit(ms)), close);
  } catch (error) {
    await close();
    throw error;
  }
};
