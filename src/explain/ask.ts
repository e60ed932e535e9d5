import type { Answer, Question } from "../journal/search/worker/messages.ts";

/** Searches of the journal. */
export type Asks = { readonly ask: (question: Question) => Promise<Answer> };
