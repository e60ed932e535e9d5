/** The statement on the windows of rate limits. */
import type { SharedDatabase } from "../../database.ts";

/** What a gateway asks for one limit. */
export type Ask = {
  readonly key: string;
  readonly points: number;
  readonly seconds: number;
  /** The window of the points that are given back. */
  readonly window: string;
  readonly back: number;
  /** Points for requests that wait. */
  readonly need: number;
  /** Points for requests that are expected. */
  readonly want: number;
  /** Requests that were allowed while the database did not answer. */
  readonly extra: number;
};

/** `given`: points of `window`. `rest`: those that nobody has. `ms`: until the window ends. */
export type Grant = { readonly window: string; readonly given: number; readonly rest: number; readonly ms: number };

/** Resolves to one grant for each ask, in order. Rejects with DatabaseUnavailable. */
export type LimitStore = { readonly exchange: (asks: readonly Ask[]) => Promise<readonly Grant[]> };

/** Rows of limits that are no longer used are deleted after this time. */
const OLD = "7 days";

export const limitStore = ({ query }: Pick<SharedDatabase, "query">): LimitStore => ({
  exchange: async (asks) => {
    const [row] = await query<{ answers: (Grant & { readonly at: number })[] }>({
      name: "take-limits",
      text: "SELECT take_limits($1::jsonb) AS answers",
      values: [JSON.stringify(asks)],
    });
    return row!.answers.toSorted((one, other) => one.at - other.at);
  },
});

export const deleteOldLimits = async ({ query }: Pick<SharedDatabase, "query">): Promise<void> => {
  await query({ text: `DELETE FROM limit_window WHERE ends < clock_timestamp() - interval '${OLD}'` });
};
