/**
 * Writes the intent to disk before the first byte is sent to OCS, and the outcome before the reply, also after errors.
 * Sends nothing while the journal cannot be written. The end of an idempotency key is on disk before the outcome: after
 * a crash between the two, a repeat gets OCS's answer all the same.
 */
import { maskNumbers } from "../../common/mask.ts";
import type { Arrival } from "../../common/message.ts";
import type { Delivery, Entry, Outcome } from "../../journal/entry.ts";
import type { HeldKey } from "../../idempotency/keys.ts";
import type { KeyEnd } from "../../idempotency/types.ts";
import { settingOf, upstreamSetting, type Setting } from "../deciding-setting.ts";
import { internalError } from "../internal-error.ts";
import {
  abandonedEntry,
  answerEntry,
  failureEntry,
  intentEntry,
  internalErrorEntry,
  type IntentEntryDeps,
} from "../journal-entries.ts";
import { REFUSALS, type Refusal } from "../refusals.ts";
import { Refused, type RefusalDetails } from "../refused.ts";
import type { Answer, Exchange, Failure, Order } from "../types.ts";
import { authFailure } from "./authenticate.ts";
import { keptAnswer } from "./filter-answer.ts";

export type SendJournaledDeps = IntentEntryDeps & {
  /** Resolves when the entry is on disk. */
  readonly append: (entry: Entry) => Promise<unknown>;
  /** Waits for the request's turn and sends it to OCS. Rejects with an Error that is a Failure. */
  readonly send: (order: Order, gone: () => AbortSignal) => Promise<Answer>;
  /** The value of WWW-Authenticate. */
  readonly challenge: string;
};

export type Answered = Exchange & { readonly answer: Answer };

/** `key`: the key that the request uses first; undefined for a request without one. */
export const sendJournaled = async (
  deps: SendJournaledDeps,
  arrival: Arrival,
  order: Order,
  key: HeldKey | undefined,
): Promise<Answered> => {
  const exchange = newExchange();
  // As the journal says: after the intent the request may have been sent, whatever fails.
  let delivery: Delivery = "not-sent";
  try {
    await appendIntent(deps, intentEntry(deps, arrival, order, key?.token), exchange);
    delivery = "sent-no-answer";
    const answer = await deps.send(order, () => arrival.gone);
    exchange.answer = answer;
    exchange.waits = answer.waits;
    await key?.settle({ state: "answered", answer: keptAnswer(answer) });
    await appendOutcome(deps, answerEntry(arrival, answer), exchange);
    delivery = "answered";
    return exchange as Answered;
  } catch (error) {
    // The journal has no intent, so it gets no outcome: the refusal is the request's only entry.
    if (exchange.intended === undefined) {
      await key?.settle(FREE);
      throw error;
    }
    await key?.settle(isFailure(error) && !error.sent ? FREE : unknownEnd(error));
    const refused = await refuseAfterIntent(deps, arrival, order, error, exchange);
    delivery = refused.details.delivery!;
    throw refused;
  } finally {
    releaseLease(order, arrival, exchange, delivery);
  }
};

const FREE: KeyEnd = { state: "free" };

/** What repeats of a request get that was sent, or of which it is not known. */
const unknownEnd = (error: unknown): KeyEnd => {
  const refusal: Refusal = isFailure(error) ? error.reason : "internal-error";
  const detail = isFailure(error) ? error.message : REFUSALS[refusal].title;
  return { state: "unknown", refusal, detail };
};

export const newExchange = (): Exchange => ({
  answer: undefined,
  intended: undefined,
  recorded: undefined,
  journal: 0,
  waits: undefined,
  lane: undefined,
});

/** The refusal of a request that has an intent, after its outcome is on disk. */
const refuseAfterIntent = async (
  deps: SendJournaledDeps,
  arrival: Arrival,
  order: Order,
  error: unknown,
  exchange: Exchange,
): Promise<Refused> => {
  let defect = error;
  if (isFailure(error)) {
    try {
      return await refuseFailed(deps, arrival, order, error, exchange);
    } catch (another) {
      defect = another;
    }
  }
  await appendOutcome(deps, internalErrorEntry(arrival), exchange);
  return internalError(defect, arrival.id, "sent-no-answer", exchange);
};

/** `delivery`: as the outcome says, for the reply if this fails. */
const releaseLease = ({ lease }: Order, { id }: Arrival, exchange: Exchange, delivery: Delivery): void => {
  try {
    lease?.release(statusFor(exchange), id);
  } catch (error) {
    throw internalError(error, id, delivery, exchange);
  }
};

/** OCS's status; undefined for a suspected answer, which may belong to another request. */
const statusFor = ({ answer }: Exchange): number | undefined => (answer?.suspected ? undefined : answer?.status);

export const appendIntent = async (
  { append }: Pick<SendJournaledDeps, "append">,
  intent: Entry,
  exchange: Exchange,
): Promise<void> => {
  const before = performance.now();
  try {
    await append(intent);
  } catch (error) {
    throw new Refused("journal-unavailable", {
      detail: `the journal cannot be written${reasonOf(error)}, so nothing was sent to OCS`,
      cause: error,
      headers: [["Retry-After", "5"]],
    });
  }
  exchange.journal = exchange.intended = performance.now() - before;
};

/** The disk's error, without a path. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && "reason" in error ? ` (${String(error.reason)})` : "";

/** Waits until the outcome is on disk. If the write fails, the journal buffers the outcome and writes it later. */
export const appendOutcome = async (
  { append }: Pick<SendJournaledDeps, "append">,
  entry: Entry,
  exchange: Exchange,
): Promise<void> => {
  const before = performance.now();
  let isWritten = true;
  try {
    await append(entry);
  } catch {
    isWritten = false;
  }
  const took = performance.now() - before;
  exchange.journal += took;
  if (isWritten) exchange.recorded = took;
};

const refuseFailed = async (
  deps: SendJournaledDeps,
  arrival: Arrival,
  order: Order,
  failure: Failure,
  exchange: Exchange,
): Promise<Refused> => {
  const { reason } = failure;
  exchange.waits = failure.waits;
  exchange.lane = failure.lane;
  const rejected = reason === "revoked" ? authFailure("revoked", failure.message) : undefined;
  const entry =
    reason === "abandoned"
      ? abandonedEntry(arrival, failure)
      : failureEntry(arrival, failure, { ...ENDED[reason](order, failure), ...reasonFor(order, failure, rejected) });
  await appendOutcome(deps, entry, exchange);
  return new Refused(reason, {
    // As in `authenticate`, the client does not get the reason why its credential was rejected.
    ...(rejected
      ? { ...rejected, headers: [["WWW-Authenticate", deps.challenge] as const] }
      : { detail: failure.message }),
    delivery: failure.sent ? "sent-no-answer" : "not-sent",
    close: reason === "abandoned",
    ...(REFUSALS[reason].status === 503 && { headers: [["Retry-After", String(failure.retryAfter ?? 1)]] }),
    found: exchange,
  });
};

const isFailure = (error: unknown): error is Failure & Error =>
  error instanceof Error && "reason" in error && "sent" in error;

type Ended = Pick<Outcome, "stage"> & Setting;

/** For each failure, the stage at which the request ended and the setting that caused it. */
const ENDED: Readonly<Record<Exclude<Failure["reason"], "abandoned">, (order: Order, failure: Failure) => Ended>> = {
  "queue-full": ({ owner }, { limit }) => ({
    stage: "queue",
    ...upstreamSetting(owner.upstream, "queue", limit ?? "max"),
  }),
  "queue-timeout": ({ owner }) => ({ stage: "queue", ...upstreamSetting(owner.upstream, "queue", "max_wait") }),
  "handle-expired": ({ owner }) => ({ stage: "queue", ...settingOf(owner, "records") }),
  unclear: ({ owner }) => ({ stage: "queue", ...settingOf(owner, "records") }),
  revoked: () => ({ stage: "queue" }),
  "dnc-pending": () => ({ stage: "queue" }),
  unreachable: ({ owner }) => ({ stage: "ocs", ...upstreamSetting(owner.upstream, "primary") }),
  "no-answer": ({ owner }) => ({ stage: "ocs", ...upstreamSetting(owner.upstream, "timeouts", "answer") }),
  "connection-lost": () => ({ stage: "ocs" }),
  "malformed-response": () => ({ stage: "ocs" }),
};

/** The reason for the journal and the operator. */
const reasonFor = (
  { lease }: Order,
  { reason: ended, message }: Failure,
  rejected: Pick<RefusalDetails, "reason"> | undefined,
): Pick<Outcome, "reason"> => {
  // The client gets this one too, but the journal has no other place for it.
  if (ended === "malformed-response") return { reason: `malformed: ${maskNumbers(message)}` };
  const reason = ended === "handle-expired" || ended === "unclear" ? lease?.reason() : rejected?.reason;
  return reason === undefined ? {} : { reason };
};
