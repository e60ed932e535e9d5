/** Events of audit.forward. */
import { error, number, text, type EventRows } from "../event-row.ts";

const destination = text("the destination's name in audit.forward");
const reason = text("what the receiver, the network or the disk answered");

export const FORWARD_EVENTS = {
  forwardFailed: {
    level: "error",
    message:
      "Journal entries cannot be forwarded to {destination} ({address}): {reason}. They stay in the journal; " +
      "requests are served as usual",
    action:
      "Repair the receiver, or correct audit.forward. The gateway tries again every 30 s at most, from the entry at " +
      "which it stopped, and logs forwardRecovered when it works",
    fields: { destination, address: text("its address"), reason },
  },
  forwardRecovered: {
    level: "info",
    message: "Journal entries are forwarded to {destination} again",
    fields: { destination },
  },
  forwardBehind: {
    level: "error",
    message: "The destination {destination} has received no journal entries for {seconds} s: {reason}",
    action:
      "Repair the receiver before audit.retention deletes entries that it does not have. The journal has an alarm; " +
      "ocsgw status -c FILE shows how many entries wait",
    fields: { destination, seconds: number("audit.forward alarm_after, in seconds"), reason },
  },
  forwardEntriesMissing: {
    level: "error",
    message:
      "Journal entries {from} to {to} could not be forwarded to {destination}, because they are not in the journal: " +
      "{reason}. The destination got a gap message",
    action:
      "If they were deleted by retention, the destination was away for too long: restore them from a backup of " +
      "audit.dir if the receiver needs them",
    fields: {
      destination,
      from: number("the first missing index"),
      to: number("the last missing index"),
      reason: text("why they are missing"),
    },
  },
  forwardThreadFailed: {
    level: "error",
    message: "The thread that forwards journal entries ended: {error}. The gateway starts it again in 5 s",
    action: "If this line repeats, report it. Requests and the journal do not depend on this thread",
    fields: { error: error("why it ended") },
  },
} as const satisfies EventRows;
