/**
 * The only place that turns a Refused or a Violation into a journal entry and a reply, and that adds the gateway's
 * headers to replies.
 */
import { BodyFault, type Arrival, type Handler, type HeaderLine, type Reply } from "../common/message.ts";
import type { AuthFailure } from "../identity/credentials.ts";
import type { Delivery, Entry } from "../journal/entry.ts";
import { Violation } from "../ocs/violation.ts";
import { formatRefusal, type ErrorFormat } from "./error-format.ts";
import { internalError } from "./internal-error.ts";
import { refusalEntry, replayEntry, type RefusalEntryDeps } from "./journal-entries.ts";
import { OUTCOME_DELAYED, REFUSALS } from "./refusals.ts";
import { deliveryOf, FOR_FAULT, FOR_RULE, Refused, type RefusalDetails } from "./refused.ts";
import { repeatOf, type Repeat } from "./repeat.ts";
import { newTrace, type OpenReply, type Trace } from "./types.ts";

/** How a request ended. `code` is absent when OCS answered. */
export type Ending = {
  readonly status: number;
  readonly code?: string;
  readonly delivery?: Delivery;
  /** The gateway's own reply that is no refusal: it has accepted the request (202). */
  readonly accepted?: true;
  /** Why authentication failed. */
  readonly authFailure?: AuthFailure | undefined;
  /** The reply is the gateway's own, and not about a request to OCS. */
  readonly isOwn?: true;
};

/** Milliseconds by which to delay the reply to a refusal, because its tenant causes very many journal entries. */
export type DelayedReply = { readonly holdMs: number };

export type RespondDeps = RefusalEntryDeps & {
  /** Queues the entry for writing, without waiting. */
  readonly note: (entry: Entry) => DelayedReply | void;
  /** Called once per request, when its reply is known. */
  readonly observe: (trace: Trace, ending: Ending) => void;
  readonly errorFormat: (listener: string) => ErrorFormat;
};

export const respond =
  (deps: RespondDeps, stages: (trace: Trace) => Promise<OpenReply>): Handler =>
  async (arrival) => {
    const trace = newTrace(arrival);
    try {
      const reply = await stages(trace);
      if (reply.isOwn) {
        deps.observe(trace, { status: reply.status, isOwn: true });
        addHeaders(reply.headers, trace, "gateway", "not-sent");
        return reply;
      }
      if (trace.key?.answer)
        deps.note(replayEntry(deps, trace, { status: reply.status, code: null, delivery: "answered" }));
      const { accepted } = reply;
      deps.observe(trace, { status: reply.status, ...(accepted && { accepted, delivery: "not-sent" as const }) });
      if (accepted) addHeaders(reply.headers, trace, "gateway", "not-sent");
      else addHeaders(reply.headers, trace, "ocs", "answered");
      if (trace.recorded === undefined && !trace.key?.answer)
        reply.headers.push(
          ["Ocsgw-Code", OUTCOME_DELAYED],
          ["Ocsgw-Repeat", repeatIn(trace, reply.status, OUTCOME_DELAYED, "answered")!],
        );
      return reply;
    } catch (error) {
      const reply = refusalReply(deps, trace, toRefused(error, trace));
      if (reply.holdMs) await new Promise((resolve) => setTimeout(resolve, reply.holdMs));
      return reply;
    }
  };

export const toRefused = (error: unknown, { arrival, answer }: Trace): Refused => {
  if (error instanceof Refused) return error;
  if (error instanceof Violation) return new Refused(FOR_RULE[error.rule], detailsOf(error));
  if (error instanceof BodyFault)
    return new Refused(FOR_FAULT[error.fault.kind], { detail: error.fault.detail, close: true });
  return internalError(error, arrival.id, answer ? "answered" : "not-sent");
};

const detailsOf = ({ message, pointer, allow }: Violation): RefusalDetails => ({
  detail: message,
  ...(pointer !== undefined && { pointer }),
  ...(allow && { headers: [["Allow", allow.join(", ")]] }),
});

export const refusalReply = (deps: RespondDeps, trace: Trace, refused: Refused): Reply & Partial<DelayedReply> => {
  const { refusal, details } = refused;
  Object.assign(trace, details.found);
  const { status, code } = REFUSALS[refusal];
  const delivery = deliveryOf(refused);
  const entry = trace.key?.isReplayed
    ? replayEntry(deps, trace, { status, code, delivery })
    : refusalEntry(deps, trace, refused);
  // A request with an intent already has its outcome in the journal.
  const delayed = trace.intended === undefined ? deps.note(entry) : undefined;
  deps.observe(trace, { status, code, delivery, authFailure: details.authFailure });
  const repeat = repeatIn(trace, status, code, delivery);
  const body = formatRefusal(refused, { delivery, repeat }, trace.arrival, deps.errorFormat(trace.arrival.listener));
  const headers: HeaderLine[] = [["Content-Type", body.type], ...(details.headers ?? [])];
  addHeaders(headers, trace, "gateway", delivery);
  headers.push(["Ocsgw-Code", code]);
  if (repeat !== undefined) headers.push(["Ocsgw-Repeat", repeat]);
  return {
    status,
    headers,
    body: body.bytes,
    ...(delayed && { holdMs: delayed.holdMs }),
    ...(details.close && { close: true }),
  };
};

const repeatIn = (
  { operation, lease, key }: Trace,
  status: number,
  code: string,
  delivery: Delivery,
): Repeat | undefined =>
  repeatOf({
    status,
    code,
    delivery,
    action: operation?.action,
    isOwned: lease?.isOwned() ?? false,
    isKeyed: key !== undefined,
  });

const addHeaders = (headers: HeaderLine[], trace: Trace, origin: "ocs" | "gateway", delivery: Delivery): void => {
  if (trace.charge) headers.push(...trace.charge.headers);
  const { key } = trace;
  if (key?.isReplayed) headers.push(["Ocsgw-Idempotency", "replayed"]);
  if (key?.first !== undefined) headers.push(["Ocsgw-First-Request", key.first]);
  headers.push(
    ["Ocsgw-Request-Id", trace.arrival.id],
    ["Ocsgw-Origin", origin],
    ["Ocsgw-Delivery", delivery],
    ["Server-Timing", timing(trace)],
  );
};

/** W3C Server-Timing, in milliseconds. `queue` and `ocs` only for a request that was queued. */
const timing = ({ arrival, decided, journal, waits }: Trace): string =>
  `policy;dur=${tenths(decided ?? since(arrival))}${journal > 0 ? `, journal;dur=${tenths(journal)}` : ""}${
    waits ? `, queue;dur=${tenths(waits.queue)}, ocs;dur=${tenths(waits.ocs)}` : ""
  }`;

/** One decimal; `toFixed` takes ten times as long. */
const tenths = (ms: number): string => {
  const count = Math.round(ms * 10);
  return `${Math.trunc(count / 10)}.${count % 10}`;
};

const since = ({ at }: Arrival): number => performance.now() - at;
