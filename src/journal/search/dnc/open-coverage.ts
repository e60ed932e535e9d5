/**
 * What a list of open Do-Not-Calls cannot contain: requests whose entries name no person, entries that were lost while
 * the journal could not be written, and segments that were set aside.
 */
import type { SetAsideSpan } from "../missing-segments.ts";
import type { Answer, Question } from "../worker/messages.ts";

type Ask = (question: Question) => Promise<Answer>;

/** Do-Not-Calls whose entries name no person: no later confirmation can be matched to them. */
const WITHOUT_PERSON = "action:DoNotCall client:* missing:phone missing:customer -resource:records -is:ok";
const MOST = 1000;

/**
 * `says`: a sentence without a full stop; `saysLittle`: the same without a number of the whole journal. `filter`: the
 * filter that lists the entries.
 */
export type Unlisted = { readonly says: string; readonly saysLittle: string; readonly filter: string };

export type OpenDncCoverage = {
  readonly unlisted: readonly Unlisted[];
  readonly setAside: readonly SetAsideSpan[];
  /** Nothing is missing from the list. */
  readonly isComplete: boolean;
};

/** `narrow`: narrows a filter to some tenants. */
export const openDncCoverage = async (
  ask: Ask,
  narrow: (filter: string) => string = (filter) => filter,
): Promise<OpenDncCoverage> => {
  const { searched } = await ask({ kind: "page", filter: "kind:set-aside", names: [], limit: 1 });
  const setAside = searched?.set_aside ?? [];
  const unlisted = [await withoutPerson(ask, narrow(WITHOUT_PERSON)), await lostInGaps(ask)].filter(
    (each) => each !== undefined,
  );
  return { unlisted, setAside, isComplete: setAside.length === 0 && unlisted.length === 0 };
};

const withoutPerson = async (ask: Ask, filter: string): Promise<Unlisted | undefined> => {
  const { transactions = [], next } = await ask({ kind: "page", filter, names: [], limit: MOST });
  if (transactions.length === 0) return undefined;
  const isOne = transactions.length === 1;
  const count = `${transactions.length}${next === undefined ? "" : " or more"} Do-Not-Call${isOne ? "" : "s"}`;
  const says =
    `${count} that OCS has not confirmed ${isOne ? "contains" : "contain"} no person ` +
    "(audit.redact drops numbers and customer ids), so it is not known whether OCS confirmed a later one";
  return { says, saysLittle: says, filter };
};

/** While the journal could not be written, refusals were only counted. */
const lostInGaps = async (ask: Ask): Promise<Unlisted | undefined> => {
  const { transactions = [], next } = await ask({ kind: "page", filter: "kind:gap", names: [], limit: MOST });
  const gaps = transactions.flatMap(({ entries: [entry] }) =>
    entry?.kind === "gap" && (entry.lost ?? 0) > 0 ? [entry] : [],
  );
  const [youngest] = gaps;
  if (!youngest) return undefined;
  const lost = gaps.reduce((sum, gap) => sum + (gap.lost ?? 0), 0);
  const when =
    `lost while the journal could not be written, the last between ${youngest.from} and ${youngest.to}: a ` +
    "Do-Not-Call among them is not listed; its client got 503 OCSGW-5101, unless audit.on_failure is continue";
  return {
    says: `${lost}${next === undefined ? "" : " or more"} ${lost === 1 ? "entry was" : "entries were"} ${when}`,
    saysLittle: `entries were ${when}`,
    filter: "kind:gap",
  };
};

/** What the segment means for the list; a phrase. */
export const lostText = ({ lost }: SetAsideSpan): string => {
  if (lost === null) return "it is not known whether a Do-Not-Call in them is open";
  return lost === 0
    ? "open Do-Not-Calls in them are listed"
    : `${lost} open ${lost === 1 ? "Do-Not-Call" : "Do-Not-Calls"} in them cannot be listed`;
};
