/**
 * A question about the journal, answered from an index that was brought up to date: by a search thread of the gateway,
 * or by a command itself.
 */
import { periodOf } from "../coverage.ts";
import { parseFilter } from "../filter.ts";
import { notesAbout } from "../handled.ts";
import { lookUp, type Evidence } from "../lookup.ts";
import type { Finder } from "../search.ts";
import { asidesWithin } from "./asides.ts";
import { warningsFor } from "./names.ts";
import type { Answer, Question } from "./questions.ts";
import type { TimeLimit } from "./time-limit.ts";

/** Narrowed to what nobody knows, as by a tenant's name that is misspelt, or to a time to come, it is no answer about the person. */
const narrowedBy = (evidence: Evidence, warnings: readonly string[]): Evidence =>
  warnings.length === 0 ? evidence : { ...evidence, complete: false };

/** Throws FilterError or NothingToLookFor for a question that cannot be answered, and TookTooLong. */
export const answerOf = async (finder: Finder, question: Question, timeLimit: TimeLimit): Promise<Answer> => {
  switch (question.kind) {
    case "page": {
      const filter = parseFilter(question.filter);
      const page = await finder.page(filter, { ...question, timeLimit });
      const searched = await finder.searched();
      return {
        ...page,
        searched: { ...searched, set_aside: asidesWithin(searched.set_aside, periodOf(filter)) },
        warnings: await warningsFor(finder, filter, question.names, page.stories),
      };
    }
    case "person": {
      const filter = parseFilter(question.filter);
      const found = await lookUp(finder, { ...question, filter }, { ...question, timeLimit });
      const warnings = await warningsFor(finder, filter, question.names, found.stories);
      return { ...found, evidence: narrowedBy(found.evidence, warnings), warnings };
    }
    case "story":
      return { stories: await finder.byId(question.id) };
    case "owed": {
      const stories = await finder.owed();
      return { stories, notes: await notesAbout(finder, stories, timeLimit) };
    }
    case "open-do-not-calls":
      return { openDoNotCalls: await finder.openDoNotCalls(question.most) };
    case "tend":
      return { more: await finder.tend() };
  }
};
