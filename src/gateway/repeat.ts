/**
 * May a client send the same request again? Said in `Ocsgw-Repeat`, in problem+json and in words on every reply of the
 * gateway's own with 429, 5xx or OCSGW-5102. What was not sent may be. What was sent depends on the action (`repeat` in
 * `ocs/catalog.ts`), and on a record handle on whether it is that record's still: the number may be another's by now.
 */
import type { Action, Repeat } from "../ocs/catalog.ts";
import { OUTCOME_DELAYED, REFUSALS, type Delivery } from "./refusals.ts";

export type { Repeat } from "../ocs/catalog.ts";

type Reply = {
  readonly status: number;
  readonly code: string | undefined;
  readonly delivery: Delivery;
  /** Undefined where it was not known by then: then nothing was sent. */
  readonly action: Pick<Action, "resource" | "repeat"> | undefined;
  /** Of a record's request: the handle is that record's, and its tenant's, still. */
  readonly isOwned: boolean;
};

/** Undefined for a reply that says nothing of it. */
export const repeatOf = ({ status, code, delivery, action, isOwned }: Reply): Repeat | undefined => {
  // OCS has answered, and the client has its answer.
  if (code === OUTCOME_DELAYED) return "no";
  if (status !== 429 && status < 500) return undefined;
  if (delivery === "not-sent") return "safe";
  return action ? afterSending(action, isOwned) : "no";
};

/** After it was sent, and no answer came. */
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

/** By code, of a request that was not sent. */
export const mayBeRepeated = (code: string | undefined): boolean =>
  Object.values(REFUSALS).some((row) => row.code === code && (row.status === 429 || row.status >= 500));
