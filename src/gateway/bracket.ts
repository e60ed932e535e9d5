/**
 * The intent is on disk before the first byte goes to OCS, the outcome before the reply, whatever happened in between.
 * Without a journal nothing is sent.
 */
import { authFailure } from "./authenticate.ts";
import { abandonedEntry, answerEntry, defectEntry, failureEntry, intentEntry } from "./entries.ts";
import { REFUSALS, Refused, refuse } from "./refusals.ts";
import type { Answer, Failure, Order, Parts, Seen } from "./words.ts";

export const bracket = async (parts: Parts, order: Order, seen: Seen): Promise<Answer> => {
  let status: number | undefined;
  seen.lease = order.lease;
  try {
    await intend(parts, order, seen);
    const answer = await parts.send(order, () => seen.arrival.gone);
    seen.waits = answer.waits;
    // It may be another request's answer, and then it says nothing of this one's record.
    status = answer.suspected ? undefined : answer.status;
    const written = await record(parts, answerEntry(seen, answer), seen);
    return written ? answer : { ...answer, unjournalled: true };
  } catch (error) {
    if (!isFailure(error)) {
      // What was not intended has no outcome: its refusal is its entry.
      if (seen.intended !== undefined) await record(parts, defectEntry(seen), seen);
      throw error;
    }
    seen.waits = error.waits;
    seen.lane = error.lane;
    await record(
      parts,
      error.why === "abandoned"
        ? abandonedEntry(seen, error)
        : failureEntry(seen, order, error, reasonFor(order, error)),
      seen,
    );
    return refuse(error.why, {
      // Which part of a credential was wrong is not said, here as at the beginning.
      ...(error.why === "revoked"
        ? { ...authFailure("revoked", error.message), headers: [["WWW-Authenticate", parts.challenge] as const] }
        : { detail: error.message }),
      delivery: error.sent ? "sent-no-answer" : "not-sent",
      close: error.why === "abandoned",
      ...(REFUSALS[error.why].status === 503 && { headers: [["Retry-After", String(error.retryAfter ?? 1)]] }),
    });
  } finally {
    order.lease?.settle(status, seen.arrival.id);
  }
};

const intend = async (parts: Parts, order: Order, seen: Seen): Promise<void> => {
  const before = performance.now();
  try {
    await parts.append(intentEntry(parts, order, seen));
  } catch (error) {
    throw new Refused("no-journal", {
      detail: `the journal cannot be written${reasonOf(error)}, so nothing was sent to OCS`,
      cause: error,
      headers: [["Retry-After", "5"]],
    });
  }
  seen.journal = seen.intended = performance.now() - before;
};

/** What the disk said, without a path. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && "reason" in error ? ` (${String(error.reason)})` : "";

/** False when the journal could not take it, and will write it first when it can again: OCS has acted all the same, and the client is told so. */
const record = async (parts: Parts, entry: Parameters<Parts["append"]>[0], seen: Seen): Promise<boolean> => {
  const before = performance.now();
  let written = true;
  try {
    await parts.append(entry);
  } catch {
    written = false;
  }
  const took = performance.now() - before;
  seen.journal += took;
  if (written) seen.recorded = took;
  return written;
};

/** Why it was not sent, as its client is not told. */
const reasonFor = ({ lease }: Order, { why, message }: Failure): string | undefined =>
  why === "void" || why === "unclear"
    ? lease?.reason()
    : why === "revoked"
      ? authFailure("revoked", message).reason
      : undefined;

const isFailure = (error: unknown): error is Failure & Error =>
  error instanceof Error && "why" in error && "sent" in error;
