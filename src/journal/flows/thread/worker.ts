/** The code of the flow thread: a FlowFeed that answers one question after another. */
import { parentPort, workerData } from "node:worker_threads";
import { faultInWords } from "../../../common/system-error.ts";
import { lowerPriority } from "../../../common/thread-priority.ts";
import { FlowFeed } from "../flow-feed.ts";
import type { FlowAnswer, FlowQuestion, NumberedAnswer, NumberedQuestion, ThreadData } from "./messages.ts";

const NICENESS = 5;

lowerPriority(NICENESS);

const { dir, secret } = workerData as ThreadData;
const feed = new FlowFeed(dir, secret);

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

const respond = async ({ number, question }: NumberedQuestion): Promise<void> => {
  const answered: NumberedAnswer = await answer(question).then(
    (found) => ({ number, ...found }),
    (error: unknown) => ({ number, failed: faultInWords(error) }),
  );
  const buffer = "portion" in answered ? answered.portion?.bytes.buffer : undefined;
  parentPort!.postMessage(answered, buffer ? [buffer] : []);
};

let last = Promise.resolve();
parentPort!.on("message", (question: NumberedQuestion) => void (last = last.then(() => respond(question))));
