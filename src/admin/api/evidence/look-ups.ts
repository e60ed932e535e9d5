/** Limits how many people a person with a session may look up, as `admin.look_ups` says. The token is not limited. */
import type { Reply } from "../../../common/message.ts";
import { json } from "../../replies.ts";
import type { LookUpTaken } from "../../look-up-limit.ts";
import type { Viewer } from "../../viewer.ts";

export type LookUps = {
  /** `tokens`: of a look-up by tokens; one of a person that was looked up before within the hour does not count. */
  readonly take: (viewer: Viewer, tokens?: readonly string[]) => Pick<LookUpTaken, "allowed" | "headers" | "remember">;
};

const TOO_MANY = "too many look-ups; the limit is admin.look_ups, and the journal has an alarm";

/** The reply to a look-up that the limit does not allow. */
export const tooMany = ({ allowed, headers }: Pick<LookUpTaken, "allowed" | "headers">): Reply | undefined =>
  allowed ? undefined : json(429, { error: TOO_MANY }, headers);

/** The description of that reply. */
export const LIMITED = "a person may look up so many people per hour only; Retry-After and RateLimit say when to go on";
