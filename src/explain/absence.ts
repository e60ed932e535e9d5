/** Why the journal may have no entry of a request. */
import { aboutRequests, describeDeletedKinds, describeSetAside } from "../journal/search/missing-segments.ts";
import type { Asks } from "./ask.ts";
import { countsOver, mayBeCounted, type CountedIn } from "./counted-refusals.ts";
import { describeOutage, outagesAt } from "./outages.ts";

export type Absence = {
  /** The counts that include it, if it was refused: it then has no entry of its own. */
  readonly counted: readonly CountedIn[];
  /** Parts of the journal that are missing and may have had its entries. */
  readonly missing: readonly string[];
  /** Why it may still appear. */
  readonly later: { readonly why: string; readonly final: boolean } | undefined;
};

export const absenceOf = async (asks: Asks, id: string): Promise<Absence> => {
  const counted = (await countsOver(asks, id)) ?? [];
  if (counted.length > 0) return { counted, missing: [], later: undefined };
  const { searched } = await asks.ask({ kind: "page", filter: "kind:set-aside", names: [], limit: 1 });
  const missing = [
    ...(searched?.set_aside ?? []).map(describeSetAside),
    ...describeDeletedKinds(aboutRequests(searched?.deleted_kinds)).map(({ text }) => text),
    ...(await outagesAt(asks, id)).map(describeOutage),
  ];
  return { counted, missing, later: mayBeCounted(id) };
};
