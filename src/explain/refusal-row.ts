/** The row of the table of refusals that an entry of the journal is about. */
import { REFUSALS, type RefusalRow } from "../gateway/refusals.ts";
import type { Fields } from "../journal/search/transaction.ts";

/** Undefined for an unknown code. Where rows share a code, the other fields tell them apart. */
export const refusalRow = ({ code, status, client, reason, action, listener }: Fields): RefusalRow | undefined => {
  // OCSGW-3001 was once the code of two other refusals too: one without a client, one with a reason.
  if (code === REFUSALS["over-limit"].code && client === undefined) return REFUSALS.throttled;
  if (code === REFUSALS["over-limit"].code && reason !== undefined) return REFUSALS.probing;
  // A registrar asks for no action of OCS.
  if (code === REFUSALS.unclear.code)
    return action === undefined ? REFUSALS["ownership-unavailable"] : REFUSALS.unclear;
  if (code === REFUSALS["no-resource"].code && listener?.startsWith("callbacks:")) return REFUSALS["no-registration"];
  const rows: readonly RefusalRow[] = Object.values(REFUSALS).filter((row) => row.code === code);
  return rows.find((row) => row.status === status) ?? rows[0];
};

/** An internal error. The journal says how far the request got only if it failed before the intent. */
export const isInternalError = ({ code }: Fields): boolean => code === REFUSALS["internal-error"].code;
