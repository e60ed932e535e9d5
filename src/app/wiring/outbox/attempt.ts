/**
 * Sends an item of the outbox once, as its client's request would be sent: for the tenant in the config in force, by
 * the same queue and lanes, with an intent and an outcome in the journal.
 */
import { Refused } from "../../../gateway/refused.ts";
import type { PipelineDeps } from "../../../gateway/pipeline.ts";
import { orderAgain } from "../../../gateway/stages/isolate.ts";
import { sendJournaled } from "../../../gateway/stages/send-journaled.ts";
import type { Order } from "../../../gateway/types.ts";
import { events } from "../../../common/log/events.ts";
import { bytesOf, type Arrival } from "../../../common/message.ts";
import { traceContextOf } from "../../../common/trace-context.ts";
import type { Operation } from "../../../ocs/target.ts";
import { resultOfAnswer, type AttemptResult } from "../../../outbox/attempt.ts";
import type { Attempt } from "../../../outbox/driver.ts";
import { requestOf, type OutboxItem, type RecordMeant } from "../../../outbox/item.ts";
import { reasonOfDenied, reasonOfUnclear, type HandleLease } from "../../../ownership/ownership.ts";
import type { Tenant } from "../../../tenancy/registry.ts";

/** `current`: undefined before the first generation is in force. */
export const createAttempt =
  (current: () => { readonly deps: PipelineDeps } | undefined): Attempt =>
  async (item, attemptId) => {
    try {
      return await attempt(current()?.deps, item, attemptId);
    } catch (error) {
      events.internalError({ id: attemptId, error });
      return { end: "later", blame: "both", mayBeDone: true, says: "internal error of the gateway" };
    }
  };

const attempt = async (deps: PipelineDeps | undefined, item: OutboxItem, attemptId: string): Promise<AttemptResult> => {
  if (!deps) return { end: "later", blame: "tenant", says: "the gateway is starting" };
  const owner = deps.registry.tenants.find(({ upstream, dbid }) => upstream === item.upstream && dbid === item.tenant);
  if (!owner) return { end: "never", cause: "tenant-removed", says: "the config has no such tenant any more" };
  const request = readRequest(item);
  if (!request) return { end: "never", cause: "unreadable", says: "this version cannot read the stored request" };
  const leased = leaseFor(deps, owner, request.operation, item);
  if ("end" in leased) return leased;
  const { client, credential, path, body, id: attemptOf } = item;
  const order = orderAgain({
    id: attemptId,
    client,
    credential,
    owner,
    path,
    body,
    attemptOf,
    lease: leased.lease,
    ...request,
  });
  return send(deps, arrivalOf(item, attemptId), order);
};

const readRequest = (item: OutboxItem): ReturnType<typeof requestOf> | undefined => {
  try {
    return requestOf(item);
  } catch {
    return undefined;
  }
};

/** The attempt as a request that has just arrived, from the item's client. Its client never disconnects. */
const arrivalOf = ({ source, listener, path, body, traceparent }: OutboxItem, id: string): Arrival => ({
  id,
  at: performance.now(),
  method: "POST",
  target: path,
  headers: [],
  source,
  listener,
  trace: traceparent === undefined ? undefined : traceContextOf([["traceparent", traceparent]]),
  body: () => Promise.resolve(bytesOf(body)),
  surplus: () => Promise.resolve(false),
  gone: new AbortController().signal,
});

/** A lease on the record handle, if the handle still is that of the record that the client meant. */
const leaseFor = (
  { ownership }: PipelineDeps,
  owner: Tenant,
  { action, identifier }: Operation,
  { record }: OutboxItem,
): { readonly lease: HandleLease | undefined } | AttemptResult => {
  if (action.resource !== "records") return { lease: undefined };
  const decision = ownership.requestLease(owner, identifier!, action.finalizes);
  if ("unclear" in decision) return { end: "later", blame: "item", says: reasonOfUnclear(decision.unclear) };
  if ("denied" in decision) return { end: "never", cause: "record-ended", says: reasonOfDenied(decision.denied) };
  const { lease } = decision;
  const now: RecordMeant | undefined = lease.record ?? epochOnly(ownership, owner);
  if (now === undefined || record === undefined || isSameRecord(record, now)) return { lease };
  lease.release(undefined);
  return { end: "never", cause: "record-ended", says: "the record handle is another record's now" };
};

const epochOnly = (ownership: PipelineDeps["ownership"], { upstream }: Tenant): RecordMeant | undefined => {
  const epoch = ownership.epochOf?.(upstream);
  return epoch === undefined ? undefined : { epoch };
};

/** OCS may announce one record several times, with a generation each: the person tells whether it is the same. */
const isSameRecord = (meant: RecordMeant, now: RecordMeant): boolean =>
  (meant.epoch === now.epoch && meant.generation === now.generation) ||
  (meant.announced?.phone !== undefined && meant.announced.phone === now.announced?.phone);

const send = async (deps: PipelineDeps, arrival: Arrival, order: Order): Promise<AttemptResult> => {
  try {
    const { answer } = await sendJournaled(deps, arrival, order, undefined);
    return resultOfAnswer(answer.status, answer.suspected === true);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return resultOfRefusal(error);
  }
};

const resultOfRefusal = ({ refusal, message, details: { delivery } }: Refused): AttemptResult => {
  if (refusal === "handle-expired") return { end: "never", cause: "record-ended", says: message };
  if (refusal === "unclear") return { end: "later", blame: "item", says: message };
  const isSent = delivery === "sent-no-answer";
  return {
    end: "later",
    blame: isSent ? "both" : "tenant",
    says: message,
    ...(isSent && { mayBeDone: true as const }),
  };
};
