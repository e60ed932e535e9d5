/** Refusals about Do-Not-Calls that clients hand over (`stages/hand-over.ts`). */
import { row, WAIT } from "./row.ts";

export const OUTBOX_ROWS = {
  pending: row(
    2109,
    409,
    "a Do-Not-Call for this phone number or customer id is pending",
    "Client: do not add the record; the person has asked not to be called. Operator: the gateway accepted a " +
      "Do-Not-Call with Prefer: respond-async that OCS has not carried out yet: ocsgw outbox -c FILE lists it. The " +
      "refusal ends when OCS has answered 200, or when somebody closes the Do-Not-Call after an alarm.",
  ),
  full: row(
    3002,
    429,
    "this tenant has too many accepted Do-Not-Calls that OCS has not carried out",
    `${WAIT} Without Prefer: respond-async the gateway sends the Do-Not-Call at once. Operator: ocsgw outbox -c FILE ` +
      "lists what waits, and why; outbox.max is the limit.",
  ),
  unavailable: row(
    5106,
    503,
    "the outbox on disk cannot be written, so the Do-Not-Call was not accepted",
    `${WAIT} Without Prefer: respond-async the gateway sends the Do-Not-Call at once. Operator: free disk space or ` +
      "repair the disk of audit.dir; the log (outboxNotWritten) says what is wrong, and the gateway recovers by " +
      "itself.",
  ),
} as const;
