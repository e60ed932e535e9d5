/** The errors of requests that were not sent, with the sentences for their clients. */
import { UpstreamError, type Withdrawal } from "./types.ts";

export const queueFull = (retryAfter: number): UpstreamError =>
  limitedBy("max", new UpstreamError("queue-full", false, "this tenant's queue is full", retryAfter));

export const waitTooLong = (maxWait: number, retryAfter: number): UpstreamError =>
  limitedBy(
    "max_wait",
    new UpstreamError("queue-full", false, `the wait would be longer than ${maxWait} ms`, retryAfter),
  );

const limitedBy = (limit: "max" | "max_wait", error: UpstreamError): UpstreamError => Object.assign(error, { limit });

export const queueTimeout = (maxWait: number): UpstreamError =>
  new UpstreamError("queue-timeout", false, `no lane to OCS became free within ${maxWait} ms`, 1);

export const connectTimeout = (maxWait: number): UpstreamError =>
  new UpstreamError("unreachable", false, `no OCS accepted a connection within ${maxWait} ms`, 1);

export const unreachable = (): UpstreamError =>
  new UpstreamError("unreachable", false, "no OCS accepts a connection", 1);

export const stopping = (retryAfter?: number): UpstreamError =>
  new UpstreamError("unreachable", false, "the gateway is stopping", retryAfter);

export const hungUp = (): UpstreamError =>
  new UpstreamError("abandoned", false, "the client hung up while its request waited", 1);

export const earlierInFlight = (): UpstreamError =>
  new UpstreamError("unclear", false, "an earlier request on this record is still in flight", 1);

const WITHDRAWN: Readonly<Record<Withdrawal, string>> = {
  // The same text as every other OCSGW-2106, so that a client cannot distinguish the reasons.
  "handle-expired": "no such record for this tenant",
  unclear: "the owner of this record handle is not known now",
  revoked:
    "while the request waited, its credential was revoked or expired, " +
    "or its client or tenant was removed from the config",
  "dnc-pending": "while the request waited, a Do-Not-Call for its phone number or customer id was accepted",
};

export const withdrawn = (why: Withdrawal): UpstreamError =>
  new UpstreamError(why, false, WITHDRAWN[why], why === "unclear" ? 1 : undefined);
