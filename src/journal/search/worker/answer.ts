/** Answers a question about the journal from an updated index. Search threads and commands use it. */
import { periodOf } from "../person-coverage.ts";
import { parseFilter } from "../filter/filter.ts";
import { notesAbout } from "../../open-dnc/handled-notes.ts";
import { coverageGaps } from "../coverage-gaps.ts";
import { dncLedger } from "../dnc/ledger.ts";
import { searchPerson, type Evidence } from "../person-search.ts";
import type { Counted, JournalSearch } from "../journal-search.ts";
import { lineProofs } from "../line-proofs.ts";
import { deletedKindsWithin, setAsideWithin } from "../missing-segments.ts";
import { warningsFor } from "../unknown-names.ts";
import type { Answer, Question } from "./messages.ts";
import type { TimeLimit } from "./time-limit.ts";

/** If the filter has an unknown name (a misspelt tenant) or a future time, the result says nothing about the person. */
const narrowedBy = (evidence: Evidence, warnings: readonly string[]): Evidence =>
  warnings.length === 0 ? evidence : { ...evidence, complete: false };

/** Throws FilterError or UnsearchableValue for an invalid question, and SearchTimeout. */
export const answerOf = async (search: JournalSearch, question: Question, timeLimit: TimeLimit): Promise<Answer> => {
  switch (question.kind) {
    case "page": {
      const filter = parseFilter(question.filter);
      const page = await search.page(filter, { ...question, timeLimit });
      const warnings = await warningsFor(search, filter, question.names, page.transactions, question.scope);
      if (question.scope) return { ...page, warnings };
      const searched = await search.searched();
      return {
        ...page,
        searched: {
          ...searched,
          set_aside: setAsideWithin(searched.set_aside, periodOf(filter)),
          ...(searched.deleted_kinds && {
            deleted_kinds: deletedKindsWithin(searched.deleted_kinds, periodOf(filter)),
          }),
        },
        warnings,
      };
    }
    case "person": {
      const filter = parseFilter(question.filter);
      const found = await searchPerson(search, { ...question, filter }, { ...question, timeLimit });
      const warnings = await warningsFor(search, filter, question.names, found.transactions, question.scope);
      return { ...found, evidence: narrowedBy(found.evidence, warnings), warnings };
    }
    case "transaction":
      return { transactions: await search.byId(question.id, { scope: question.scope }) };
    case "proofs": {
      const found = await search.linesOf(question.id);
      return found ? { proofs: await lineProofs(search.dir, found) } : {};
    }
    case "open-dnc": {
      const transactions = await search.openDnc();
      return { transactions, notes: await notesAbout(search, transactions, timeLimit) };
    }
    case "dnc-ledger":
      return { ledger: await dncLedger(search, question, timeLimit) };
    case "open-dnc-snapshot":
      return { openDncSnapshot: await search.openDncSnapshot(question.most) };
    case "counts": {
      const counts: Counted[] = [];
      for (const filter of question.filters) counts.push(await search.count(parseFilter(filter), timeLimit));
      return { counts };
    }
    case "coverage": {
      const searched = await search.searched();
      return { searched, gaps: await coverageGaps(search, searched, [-Infinity, Infinity]) };
    }
    case "segments":
      return search.segments(question);
    case "maintain":
      return { more: await search.maintain() };
  }
};
