/**
 * A Finder on a thread of its own, for a process that has other things to do: one question at a time, each within its
 * time.
 */
import { getPriority, setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { FilterError } from "../filter.ts";
import { NothingToLookFor } from "../lookup.ts";
import { Finder } from "../search.ts";
import { answerOf } from "./answer.ts";
import type { Answer, Posed, Question, ThreadData, Told } from "./questions.ts";
import { TimeLimit, TookTooLong } from "./time-limit.ts";
import { faultInWords, isSystemError } from "../../system-error.ts";

const { dir, number: me, turn } = workerData as ThreadData;
/** Which thread brings the index up to date, 0 for none; and how many entries it has taken in. */
const shared = new Int32Array(turn);
const [HOLDER, PROGRESS] = [0, 1];
const POLL_MS = 5;
const NICENESS = 5;

// Traffic goes first where both want a processor. Elsewhere than on Linux this would be the whole process's.
// Where the gateway itself was started with less, asking for more is refused.
if (process.platform === "linux") yieldToTraffic();

function yieldToTraffic(): void {
  try {
    if (getPriority(0) < NICENESS) setPriority(0, NICENESS);
  } catch {
    // A filter of system calls forbids it, as of a service or a container: then a search is as urgent as traffic.
  }
}

let finder: Finder | undefined;
let refreshing: Promise<void> | undefined;

/** One thread at a time does it; another one that waits finds it done. */
const refresh = async (of: Finder): Promise<void> => {
  while (Atomics.compareExchange(shared, HOLDER, 0, me) !== 0) await sleep(POLL_MS);
  try {
    await of.refresh((size) => void Atomics.store(shared, PROGRESS, size));
  } finally {
    Atomics.store(shared, HOLDER, 0);
  }
};

/** It goes on when the time of who asked is over: a large index is made once, however long that takes. */
const upToDate = async (of: Finder, limit: TimeLimit): Promise<void> => {
  while (refreshing) await within(refreshing, limit);
  refreshing = refresh(of).finally(() => (refreshing = undefined));
  refreshing.catch(() => undefined);
  await within(refreshing, limit);
};

const within = async (work: Promise<void>, limit: TimeLimit): Promise<void> => {
  const over = new AbortController();
  try {
    await Promise.race([
      work,
      sleep(limit.left, undefined, { signal: over.signal }).then(() => {
        throw new TookTooLong(
          `the search index is being brought up to date and has ${Atomics.load(shared, PROGRESS)} entries so far: ask again in a while`,
        );
      }),
    ]);
  } finally {
    over.abort();
  }
};

const answer = async (question: Question, timeLimit: TimeLimit): Promise<Answer> => {
  finder ??= new Finder(dir);
  // It works segment by segment, so that a journal of several years leaves time for others, and needs nothing besides.
  if (question.kind !== "tend") await upToDate(finder, timeLimit);
  return answerOf(finder, question, timeLimit);
};

const tell = async ({ question, ms }: Posed): Promise<Told> => {
  try {
    return { answer: await answer(question, new TimeLimit(ms)) };
  } catch (error) {
    if (error instanceof FilterError) return { wrong: error.render() };
    if (error instanceof NothingToLookFor) return { wrong: error.message };
    if (error instanceof TookTooLong) return { late: error.message };
    // Only what it is: a message of the platform may hold a piece of what was asked.
    return {
      failed:
        isSystemError(error) || !(error instanceof Error)
          ? faultInWords(error)
          : `${error.name}: ${faultInWords(error)}`,
    };
  }
};

parentPort!.on("message", (posed: Posed) => {
  parentPort!.postMessage({ begun: true } satisfies Told);
  void tell(posed).then((told) => parentPort!.postMessage(told));
});
