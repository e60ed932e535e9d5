/** A Finder on a thread of its own, for a process that has other things to do: one question at a time, in the order in which they came. */
import { parentPort, workerData } from "node:worker_threads";
import { parseFilter, FilterError } from "../filter.ts";
import { lookUp, NothingToLookFor } from "../lookup.ts";
import { Finder } from "../search.ts";
import type { Answer, Question, Told } from "./questions.ts";

const { dir } = workerData as { readonly dir: string };

let finder: Finder | undefined;

const answer = async (question: Question): Promise<Answer> => {
  finder ??= new Finder(dir);
  await finder.refresh();
  switch (question.kind) {
    case "page": {
      const page = await finder.page(parseFilter(question.filter), question);
      return { ...page, searched: await finder.searched() };
    }
    case "person":
      return lookUp(finder, { ...question, filter: parseFilter(question.filter) }, question);
    case "story":
      return { stories: await finder.byId(question.id) };
    case "owed":
      return { stories: await finder.owed() };
    case "open-do-not-calls":
      return { openDoNotCalls: await finder.openDoNotCalls(question.most) };
  }
};

const tell = async ({ number, question }: { readonly number: number; readonly question: Question }): Promise<Told> => {
  try {
    return { number, answer: await answer(question) };
  } catch (error) {
    if (error instanceof FilterError) return { number, wrong: error.render() };
    if (error instanceof NothingToLookFor) return { number, wrong: error.message };
    // Only what it is: a message of the platform may hold a piece of what was asked.
    return { number, failed: error instanceof Error ? `${error.name}: ${error.message}` : "unknown" };
  }
};

let turn: Promise<void> = Promise.resolve();
parentPort!.on("message", (asked: { readonly number: number; readonly question: Question }) => {
  turn = turn.then(async () => parentPort!.postMessage(await tell(asked)));
});
