/** The one place where a no, ours or the language's, becomes a journal line and a reply; and where every reply gets the gateway's headers. */
import { events } from "../events.ts";
import { BodyFault, type Arrival, type Handler, type HeaderLine, type Reply } from "../message.ts";
import { Violation } from "../ocs/violation.ts";
import { wordRefusal } from "./dialect.ts";
import { refusalEntry } from "./entries.ts";
import { FOR_FAULT, FOR_RULE, OUTCOME_DELAYED, REFUSALS, Refused } from "./refusals.ts";
import type { Parts, Seen } from "./words.ts";

export const rescued = (parts: Parts, line: (seen: Seen) => Promise<Reply>): Handler => async (arrival) => {
  const seen: Seen = { arrival, journal: 0 };
  try {
    const reply = await line(seen);
    parts.observe(seen, { status: reply.status });
    return { ...reply, headers: [...reply.headers, ...ownHeaders(seen, "ocs", "answered"), ...codeOf(seen)] };
  } catch (error) {
    return replyTo(parts, seen, asRefused(error, seen));
  }
};

export const asRefused = (error: unknown, seen: Seen): Refused => {
  if (error instanceof Refused) return error;
  if (error instanceof Violation) return new Refused(FOR_RULE[error.rule], detailsOf(error));
  if (error instanceof BodyFault) return new Refused(FOR_FAULT[error.fault.kind], { detail: error.fault.detail, close: true });
  events.defect(seen.arrival.id, error);
  return new Refused("defect", { detail: "a defect of the gateway; the request id finds it in the log", delivery: seen.answer ? "answered" : seen.intended ? "sent-no-answer" : "not-sent", close: true });
};

const detailsOf = ({ message, pointer, allow }: Violation): ConstructorParameters<typeof Refused>[1] => ({
  detail: message,
  ...(pointer !== undefined && { pointer }),
  ...(allow && { headers: [["Allow", allow.join(", ")]] }),
});

/** What a refusal needs of the world outside. */
type Telling = Pick<Parts, "note" | "observe" | "dialect" | "redact">;

export const replyTo = (parts: Telling, seen: Seen, refused: Refused): Reply => {
  // What was intended has its outcome in the journal already.
  if (!seen.intended) parts.note(refusalEntry(parts, seen, refused));
  const { status, code, delivery } = REFUSALS[refused.refusal];
  parts.observe(seen, { status, code });
  const body = wordRefusal(refused, seen.arrival, parts.dialect(seen.arrival.listener));
  return {
    status,
    headers: [
      ["Content-Type", body.type],
      ...(refused.more.headers ?? []),
      ...ownHeaders(seen, "gateway", refused.more.delivery ?? delivery),
      ["Ocsgw-Code", code],
    ],
    body: body.bytes,
    ...(refused.more.close && { close: true }),
  };
};

const codeOf = ({ answer }: Seen): readonly HeaderLine[] => (answer?.unjournalled ? [["Ocsgw-Code", OUTCOME_DELAYED]] : []);

const ownHeaders = (seen: Seen, origin: "ocs" | "gateway", delivery: string): readonly HeaderLine[] => [
  ...(seen.charge?.headers ?? []),
  ["Ocsgw-Request-Id", seen.arrival.id],
  ["Ocsgw-Origin", origin],
  ["Ocsgw-Delivery", delivery],
  ["Server-Timing", timing(seen)],
];

/** W3C Server-Timing, milliseconds. */
const timing = ({ arrival, decided, journal, answer }: Seen): string => {
  const phases: [string, number][] = [["policy", decided ?? since(arrival)]];
  if (journal > 0) phases.push(["journal", journal]);
  if (answer) phases.push(["queue", answer.waits.queue], ["ocs", answer.waits.ocs]);
  return phases.map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`).join(", ");
};

const since = ({ at }: Arrival): number => performance.now() - at;
