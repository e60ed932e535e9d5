/** The code of a search thread: a JournalSearch that answers one question at a time, each within its time limit. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { FilterError } from "../filter/filter.ts";
import { UnsearchableValue } from "../person-search.ts";
import { JournalSearch } from "../journal-search.ts";
import { answerOf } from "./answer.ts";
import type { Answer, TimedQuestion, Question, ThreadData, WorkerMessage } from "./messages.ts";
import { TimeLimit, SearchTimeout } from "./time-limit.ts";
import { faultInWords, isSystemError } from "../../../common/system-error.ts";
import { lowerPriority } from "../../../common/threads/thread-priority.ts";

const { dir, number: me, turn } = workerData as ThreadData;
/** The thread that updates the index (0: none), and how many entries it has indexed. */
const shared = new Int32Array(turn);
const [HOLDER, PROGRESS] = [0, 1];
const POLL_MS = 5;
const NICENESS = 5;

lowerPriority(NICENESS);

let search: JournalSearch | undefined;
let refreshing: Promise<void> | undefined;

/** One thread at a time updates the index; the others wait. */
const refresh = async (of: JournalSearch): Promise<void> => {
  while (Atomics.compareExchange(shared, HOLDER, 0, me) !== 0) await sleep(POLL_MS);
  try {
    await of.refresh((size) => void Atomics.store(shared, PROGRESS, size));
  } finally {
    Atomics.store(shared, HOLDER, 0);
  }
};

/** The update continues after the time limit of the question: a large index is built once, however long that takes. */
const upToDate = async (of: JournalSearch, limit: TimeLimit): Promise<void> => {
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
        throw new SearchTimeout(
          `the search index is being brought up to date and has ${Atomics.load(shared, PROGRESS)} entries so ` +
            "far: ask again in a while",
        );
      }),
    ]);
  } finally {
    over.abort();
  }
};

const answer = async (question: Question, timeLimit: TimeLimit): Promise<Answer> => {
  search ??= new JournalSearch(dir);
  // Maintenance works segment by segment and needs no updated index.
  if (question.kind !== "maintain") await upToDate(search, timeLimit);
  return answerOf(search, question, timeLimit);
};

const respond = async ({ question, ms }: TimedQuestion): Promise<WorkerMessage> => {
  try {
    return { answer: await answer(question, new TimeLimit(ms)) };
  } catch (error) {
    if (error instanceof FilterError) return { invalid: error.render() };
    if (error instanceof UnsearchableValue) return { invalid: error.message };
    if (error instanceof SearchTimeout) return { timedOut: error.message };
    // A message of the platform may contain parts of the question.
    return {
      failed:
        isSystemError(error) || !(error instanceof Error)
          ? faultInWords(error)
          : `${error.name}: ${faultInWords(error)}`,
    };
  }
};

parentPort!.on("message", (posed: TimedQuestion) => {
  parentPort!.postMessage({ started: true } satisfies WorkerMessage);
  void respond(posed).then((message) => parentPort!.postMessage(message));
});
