/** Thrown to refuse a request, with the details of this one; and the refusal for each error of another part. */
import { maskNumbers } from "../common/mask.ts";
import type { Fault, HeaderLine } from "../common/message.ts";
import type { AuthFailure } from "../identity/credentials.ts";
import type { Delivery } from "../journal/entry.ts";
import type { Rule } from "../ocs/violation.ts";
import { REFUSALS, type Refusal } from "./refusals.ts";
import type { Found } from "./types.ts";

export type RefusalDetails = {
  /** What exactly is wrong, and what to do. Contains no value from the request and no name of another tenant. */
  readonly detail?: string;
  /** JSON Pointer (RFC 6901) to the invalid part of the body. */
  readonly pointer?: string;
  /** The campaign or list at `pointer`, for the journal. */
  readonly named?: string;
  /** The setting that caused the refusal (`deciding-setting.ts`), for the journal; the pipeline adds the stage. */
  readonly setting?: string;
  /** For the journal and the operator, never for the client: a word, a colon and a sentence. */
  readonly reason?: string;
  /** Why authentication failed, for the metric: the first word of `reason`. */
  readonly authFailure?: AuthFailure;
  /** The id of the API key in the request, for the journal. */
  readonly key?: string | undefined;
  readonly headers?: readonly HeaderLine[];
  /** How far the request got, if it differs from the row. */
  readonly delivery?: Delivery;
  /** True: the gateway closes the connection after the reply. */
  readonly close?: boolean;
  readonly cause?: unknown;
  /** What the refusing stage has found, for the trace. */
  readonly found?: Found;
};

/** Thrown to refuse a request. Masks long numbers in pointer and detail, which may contain the client's field names. */
export class Refused extends Error {
  readonly refusal: Refusal;
  readonly details: RefusalDetails;
  constructor(refusal: Refusal, details: RefusalDetails = {}) {
    super(details.detail === undefined ? REFUSALS[refusal].title : maskNumbers(details.detail), {
      cause: details.cause,
    });
    this.name = "Refused";
    this.refusal = refusal;
    this.details = details.pointer === undefined ? details : { ...details, pointer: maskNumbers(details.pointer) };
  }
}

/** How far the request got: as the refusal says, or its row. */
export const deliveryOf = ({ refusal, details }: Refused): Delivery => {
  const { delivery } = REFUSALS[refusal];
  // On the safe side: a client must not repeat a request that may have been sent.
  return details.delivery ?? (delivery === "varies" ? "sent-no-answer" : delivery);
};

export const refuse = (refusal: Refusal, details: RefusalDetails = {}): never => {
  throw new Refused(refusal, details);
};

/** The refusal for each kind of Violation. */
export const FOR_RULE: Readonly<Record<Rule, Refusal>> = {
  resource: "no-resource",
  method: "wrong-method",
  action: "bad-action",
  json: "bad-json",
  truncated: "bad-json",
  "duplicate-scope-key": "duplicate-scope-key",
  attribute: "bad-attribute",
};

/** The refusal for each HTTP-level error of a message. */
export const FOR_FAULT: Readonly<Record<Fault["kind"], Refusal>> = {
  ambiguous: "ambiguous",
  "wrong-length": "wrong-length",
  "body-too-large": "body-too-large",
  "head-too-large": "head-too-large",
  "foreign-authority": "foreign-authority",
};
