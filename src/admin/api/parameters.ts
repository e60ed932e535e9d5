/** Parameters and members that several routes about flows share. */
import { z } from "zod";
import { MOST_TEXT } from "../../journal/access.ts";
import { readCursor } from "../../journal/search/to-json.ts";

/** Of a page without a limit. */
export const LIMIT = 50;
const MOST_ON_PAGE = 1000;
const MOST = 2000;

const LIMITS = `expected a number from 1 to ${MOST_ON_PAGE} for one page`;

export const text = () => z.string("expected a text").max(MOST, `expected a text of at most ${MOST} characters`);

export const filter = () => text().describe("A filter, as in /docs/filters; empty: everything").default("");
/** Goes into the journal, as `journal/access.ts` checks. */
export const journaled = () => text().max(MOST_TEXT, `expected up to ${MOST_TEXT} characters on one line`);

export const purpose = () =>
  journaled().describe("Why the journal is read; recorded where a person is looked up").optional();
export const user = () =>
  journaled().describe("Who asks, for holders of the token; a signed-in person is recorded by name").optional();

export const CURSOR_EXPECTED = "expected the value of next from an earlier page";
export const cursor = () => text().regex(/^\d{1,15}$/, CURSOR_EXPECTED);
export const limit = () => z.coerce.number(LIMITS).int(LIMITS).min(1, LIMITS).max(MOST_ON_PAGE, LIMITS);

/** The part of a question that selects a page. */
export const pageAt = (given: {
  readonly cursor?: string | null | undefined;
  readonly limit?: number | null | undefined;
}) => {
  const before = readCursor(given.cursor ?? "");
  return { ...(before !== undefined && { before }), limit: given.limit ?? LIMIT };
};
