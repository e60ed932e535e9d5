/** Events of the outbox. */
import { error, text, type EventRows } from "../event-row.ts";

export const OUTBOX_EVENTS = {
  outboxCorrupt: {
    level: "error",
    message:
      "The outbox is corrupt and was moved to {file}; a new one is in use. Do-Not-Calls that were accepted with 202 " +
      "and not delivered yet are not sent any more",
    action:
      "ocsgw audit dnc -c FILE lists the Do-Not-Calls that OCS has not confirmed: have their clients send them " +
      "again. Check the disk",
    fields: { file: text("where the corrupt file is now") },
  },
  outboxNotWritten: {
    level: "error",
    message:
      "The outbox cannot be written: {error}. Do-Not-Calls with Prefer: respond-async are refused (503 OCSGW-5106, " +
      "or 5104 with shared); others are sent as usual",
    action: "Free disk space, or repair the disk of audit.dir. The gateway tries again with each request",
    fields: { error: error("what is wrong") },
  },
} as const satisfies EventRows;
