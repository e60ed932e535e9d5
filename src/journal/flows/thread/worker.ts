/** The code of the flow thread: a shared feed that answers one question after another. */
import { parentPort, workerData } from "node:worker_threads";
import { faultInWords } from "../../../common/system-error.ts";
import { lowerPriority } from "../../../common/threads/thread-priority.ts";
import { SharedFeed } from "../shared-feed.ts";
import type { FlowAnswer, FlowQuestion, NumberedAnswer, NumberedQuestion, ThreadData } from "./messages.ts";

const NICENESS = 5;

lowerPriority(NICENESS);

const { dir, secret } = workerData as ThreadData;
const feed = new SharedFeed(dir, secret);

type Reading = NumberedQuestion & { readonly question: Extract<FlowQuestion, { ask: "read" }> };

const isReading = (each: NumberedQuestion): each is Reading => each.question.ask === "read";

const answer = async (question: FlowQuestion): Promise<FlowAnswer> => {
  switch (question.ask) {
    case "open":
      return { cursor: await feed.open(question.watcher, question) };
    case "read":
      return { portion: await feed.read(question.watcher, question) };
    case "close":
      await feed.close(question.watcher);
      return {};
  }
};

const failed = (number: number, error: unknown): NumberedAnswer => ({ number, failed: faultInWords(error) });

/** Bytes that several answers share are moved once. */
const post = (answers: readonly NumberedAnswer[]): void => {
  const buffers = answers.flatMap((each) => ("portion" in each && each.portion ? [each.portion.bytes.buffer] : []));
  if (answers.length > 0) parentPort!.postMessage(answers, [...new Set(buffers)]);
};

const respondAlone = async ({ number, question }: NumberedQuestion): Promise<void> => {
  post([
    await answer(question).then(
      (found): NumberedAnswer => ({ number, ...found }),
      (error: unknown) => failed(number, error),
    ),
  ]);
};

/** Those watchers that have caught up get theirs first; the others read by themselves. */
const readTogether = async (readings: readonly Reading[]): Promise<void> => {
  const asked = readings.map(({ question }) => question);
  const known = {
    to: Math.max(...asked.map(({ to }) => to)),
    deletedTo: Math.max(...asked.map(({ deletedTo }) => deletedTo)),
  };
  const ids = asked.map(({ watcher }) => watcher);
  try {
    const portions = await feed.readTogether(ids, known);
    const answers = readings.flatMap(({ number, question }): NumberedAnswer[] => {
      const portion = portions.get(question.watcher);
      return portion ? [{ number, portion }] : [];
    });
    post(answers);
    for (const each of readings) if (!portions.has(each.question.watcher)) await respondAlone(each);
  } catch (error) {
    post(readings.map(({ number }) => failed(number, error)));
  }
};

const respond = async (questions: readonly NumberedQuestion[]): Promise<void> => {
  for (const each of questions) if (!isReading(each)) await respondAlone(each);
  const readings = questions.filter(isReading);
  if (readings.length > 0) await readTogether(readings);
};

let last = Promise.resolve();
parentPort!.on(
  "message",
  (questions: readonly NumberedQuestion[]) => void (last = last.then(() => respond(questions))),
);
