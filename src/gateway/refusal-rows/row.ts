/** A row of the table of refusals, and advice that several rows give. */
import type { Delivery } from "../../journal/entry.ts";

export type RefusalRow = {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  /** How far the request got; `varies`: each refusal states it. */
  readonly delivery: Delivery | "varies";
  /** What operators or client developers should do. */
  readonly advice: string;
};

export const row = (
  code: number,
  status: number,
  title: string,
  advice: string,
  delivery: RefusalRow["delivery"] = "not-sent",
): RefusalRow => ({
  code: `OCSGW-${code}`,
  status,
  title,
  delivery,
  advice,
});

/**
 * Advice: first what the client does, by what it can know; then what the operator does. Commands take the reader's
 * config: -c FILE.
 */
export const CREDENTIAL =
  "Client: send the credential that the operator gave: a key as Basic (client as user, key as password) or in " +
  "X-Api-Key, a token as Authorization: Bearer, or a client certificate. Operator: ocsgw explain -c FILE ID says " +
  "what was wrong (expired, revoked, unknown, wrong header, no tenant); ocsgw keys list -c FILE shows the keys.";
export const HANDLE =
  "Client: use the handle of the present call, or send a Do-Not-Call by phone number or customer id. Operator: the " +
  "record was finished, OCS switched over or restarted, the handle is another tenant's, or nobody announced or " +
  "registered it for this tenant: ocsgw explain -c FILE ID says which.";
export const WAIT = "Client: wait as long as Retry-After says.";
export const LANES =
  "ocsgw status -c FILE shows which tenants use the lanes, and how long OCS takes; upstreams.<name>.connections sets " +
  "the number of lanes.";
export const FOLLOW =
  "follow Ocsgw-Repeat: safe = send it again; check-first = read the group's status first; no = do not send it again.";
export const REPEAT = `Client: ${FOLLOW}`;
