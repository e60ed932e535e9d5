/**
 * Whether a client may send the same request again. The gateway's own replies with 429, 5xx or OCSGW-5102 say it in
 * `Ocsgw-Repeat`, in problem+json and in words. A request that was not sent to OCS may be repeated. For one that was
 * sent, the action decides (`repeat` in `ocs/catalog.ts`); a record's request also needs a handle that still belongs to
 * that record, because OCS may have reused the handle. A request with an Idempotency-Key may always be repeated.
 */
import type { Action, Repeat } from "../ocs/catalog.ts";
import type { Delivery } from "../journal/entry.ts";
import { OUTCOME_DELAYED, REFUSALS } from "./refusals.ts";

export type { Repeat } from "../ocs/catalog.ts";

type Reply = {
  readonly status: number;
  readonly code: string | undefined;
  readonly delivery: Delivery;
  /** Undefined when the request was refused before the action was known; nothing was sent then. */
  readonly action: Pick<Action, "resource" | "repeat"> | undefined;
  /** For a record's request: the handle still belongs to this record and tenant. */
  readonly isOwned: boolean;
  /** The request has an Idempotency-Key that the gateway keeps: a repeat is never carried out a second time. */
  readonly isKeyed?: boolean;
};

/** Undefined for replies without `Ocsgw-Repeat`. */
export const repeatOf = ({ status, code, delivery, action, isOwned, isKeyed }: Reply): Repeat | undefined => {
  if (code === REFUSALS["key-running"].code) return "safe";
  // OCS has answered, and the client gets the answer.
  if (code === OUTCOME_DELAYED) return isKeyed ? "safe" : "no";
  if (status !== 429 && status < 500) return undefined;
  if (delivery === "not-sent" || isKeyed) return "safe";
  return action ? afterSending(action, isOwned) : "no";
};

/** For a request that was sent and got no answer. */
export const afterSending = ({ resource, repeat }: Pick<Action, "resource" | "repeat">, isOwned: boolean): Repeat =>
  resource === "records" && !isOwned ? "no" : repeat;

const SENT: Readonly<Record<Repeat, string>> = {
  safe: "The same request may be sent again: the end state is the same.",
  "check-first": "Read the campaign group's status before sending it again.",
  no: "Do not send the same request again: it may happen twice.",
};

export const repeatInWords = (repeat: Repeat | undefined, delivery: Delivery): string =>
  repeat === undefined
    ? ""
    : repeat === "safe" && delivery === "not-sent"
      ? "The same request may be sent again."
      : SENT[repeat];

/** True if a request that was refused with this code, and not sent, may be repeated. */
export const mayBeRepeated = (code: string | undefined): boolean =>
  code === REFUSALS["key-running"].code ||
  Object.values(REFUSALS).some((row) => row.code === code && (row.status === 429 || row.status >= 500));
