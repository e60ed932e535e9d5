/** Limits how many people a person with a session may look up, as `admin.look_ups` says. The token is not limited. */
import type { HeaderLine } from "../../../common/message.ts";
import type { Viewer } from "../../viewer.ts";

export type LookUps = {
  /** `headers`: for the reply. */
  readonly take: (viewer: Viewer) => { readonly allowed: boolean; readonly headers: readonly HeaderLine[] };
};

export const TOO_MANY = "too many look-ups; the limit is admin.look_ups, and the journal has an alarm";
