/** Retention over the admin API, for who has the token: whether anything is deleted, and that somebody confirms the clock. */
import type { Arrival, Reply } from "../message.ts";
import { json } from "./reply.ts";

export type RetentionState = {
  /** What the gateway's clock shows, RFC 3339. */
  readonly clock: string;
  readonly believed: boolean;
  /** Between which two times the clock went forward, RFC 3339. */
  readonly doubt: { readonly from: string; readonly to: string } | null;
  /** In words, why nothing is deleted although it may be due. */
  readonly waits: string | null;
  /** Milliseconds until the next look at what is due. */
  readonly next_look: number;
  /** Entries in the journal. */
  readonly entries: number;
};

export type RetentionParts = {
  readonly state: () => RetentionState;
  readonly confirmClock: (user: string) => Promise<RetentionState>;
};

const MOST_NAME = 400;

export const confirmClockReply = async ({ confirmClock }: RetentionParts, arrival: Arrival): Promise<Reply> => {
  const user = userIn(Buffer.from(await arrival.body()).toString("utf8"));
  if (user === undefined)
    return json(422, {
      error: `user: expected who confirms the clock, a name of up to ${MOST_NAME} characters on one line`,
    });
  try {
    return json(200, await confirmClock(user));
  } catch {
    return json(
      503,
      { error: "the journal cannot take the entry that says who confirmed the clock, so nothing has changed" },
      [["Retry-After", "5"]],
    );
  }
};

/** Who confirms the clock, as it stands in the journal. */
export const isUserName = (user: unknown): user is string =>
  typeof user === "string" && user !== "" && user.length <= MOST_NAME && !/\p{Cc}/u.test(user);

const userIn = (text: string): string | undefined => {
  try {
    const { user } = JSON.parse(text) as { readonly user?: unknown };
    return isUserName(user) ? user : undefined;
  } catch {
    return undefined;
  }
};
