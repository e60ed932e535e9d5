/** The one place where a no, ours or the language's, becomes a journal line and a reply; and where every reply gets the gateway's headers. */
import { events } from "../events.ts";
import { BodyFault, type Arrival, type Handler, type HeaderLine, type Reply } from "../message.ts";
import { Violation } from "../ocs/violation.ts";
import { wordRefusal } from "./dialect.ts";
import { refusalEntry, type Told } from "./entries.ts";
import { FOR_FAULT, FOR_RULE, OUTCOME_DELAYED, REFUSALS, Refused, type Delivery } from "./refusals.ts";
import { repeatOf, type Repeat } from "./repeat.ts";
import { seenOf, type Held, type Parts, type Screened, type Seen } from "./words.ts";

export const rescued =
  (parts: Parts, line: (seen: Seen) => Promise<Screened>): Handler =>
  async (arrival) => {
    const seen = seenOf(arrival);
    try {
      const reply = await line(seen);
      parts.observe(seen, { status: reply.status });
      addOwn(reply.headers, seen, "ocs", "answered");
      if (seen.answer?.unjournalled)
        reply.headers.push(
          ["Ocsgw-Code", OUTCOME_DELAYED],
          ["Ocsgw-Repeat", repeatIn(seen, reply.status, OUTCOME_DELAYED, "answered")!],
        );
      return reply;
    } catch (error) {
      const reply = replyTo(parts, seen, asRefused(error, seen));
      if (reply.holdMs) await new Promise((resolve) => setTimeout(resolve, reply.holdMs));
      return reply;
    }
  };

export const asRefused = (error: unknown, seen: Seen): Refused => {
  if (error instanceof Refused) return error;
  if (error instanceof Violation) return new Refused(FOR_RULE[error.rule], detailsOf(error));
  if (error instanceof BodyFault)
    return new Refused(FOR_FAULT[error.fault.kind], { detail: error.fault.detail, close: true });
  events.defect(seen.arrival.id, error);
  return new Refused("defect", {
    detail: "a defect of the gateway; the request id finds it in the log",
    delivery: seen.answer ? "answered" : seen.intended !== undefined ? "sent-no-answer" : "not-sent",
    close: true,
  });
};

const detailsOf = ({ message, pointer, allow }: Violation): ConstructorParameters<typeof Refused>[1] => ({
  detail: message,
  ...(pointer !== undefined && { pointer }),
  ...(allow && { headers: [["Allow", allow.join(", ")]] }),
});

/** What a refusal needs of the world outside. */
type Telling = Pick<Parts, "note" | "observe" | "dialect"> & Told;

export const replyTo = (parts: Telling, seen: Seen, refused: Refused): Reply & Partial<Held> => {
  // What was intended has its outcome in the journal already.
  const held = seen.intended === undefined ? parts.note(refusalEntry(parts, seen, refused)) : undefined;
  const { status, code } = REFUSALS[refused.refusal];
  const delivery = refused.more.delivery ?? REFUSALS[refused.refusal].delivery;
  parts.observe(seen, { status, code, delivery, authFailure: refused.more.authFailure });
  const repeat = repeatIn(seen, status, code, delivery);
  const body = wordRefusal(refused, { delivery, repeat }, seen.arrival, parts.dialect(seen.arrival.listener));
  const headers: HeaderLine[] = [["Content-Type", body.type], ...(refused.more.headers ?? [])];
  addOwn(headers, seen, "gateway", delivery);
  headers.push(["Ocsgw-Code", code]);
  if (repeat !== undefined) headers.push(["Ocsgw-Repeat", repeat]);
  return {
    status,
    headers,
    body: body.bytes,
    ...(held && { holdMs: held.holdMs }),
    ...(refused.more.close && { close: true }),
  };
};

const repeatIn = ({ operation, lease }: Seen, status: number, code: string, delivery: Delivery): Repeat | undefined =>
  repeatOf({ status, code, delivery, action: operation?.action, isOwned: lease?.isOwned() ?? false });

const addOwn = (headers: HeaderLine[], seen: Seen, origin: "ocs" | "gateway", delivery: string): void => {
  if (seen.charge) headers.push(...seen.charge.headers);
  headers.push(
    ["Ocsgw-Request-Id", seen.arrival.id],
    ["Ocsgw-Origin", origin],
    ["Ocsgw-Delivery", delivery],
    ["Server-Timing", timing(seen)],
  );
};

/** W3C Server-Timing, milliseconds. Of a request that waited or was sent, how long, whether an answer came or not. */
const timing = ({ arrival, decided, journal, waits }: Seen): string =>
  `policy;dur=${tenths(decided ?? since(arrival))}${journal > 0 ? `, journal;dur=${tenths(journal)}` : ""}${
    waits ? `, queue;dur=${tenths(waits.queue)}, ocs;dur=${tenths(waits.ocs)}` : ""
  }`;

/** With one decimal; `toFixed` takes ten times as long. */
const tenths = (ms: number): string => {
  const count = Math.round(ms * 10);
  return `${Math.trunc(count / 10)}.${count % 10}`;
};

const since = ({ at }: Arrival): number => performance.now() - at;
