/** An item as its client sees it at GET /ocsgw/requests/<id>. */
import type { Delivery } from "../journal/entry.ts";
import type { OutboxItem } from "./item.ts";

/**
 * `queued`: not carried out yet. `answered`: OCS has answered with `status`, and no further attempt follows. `unknown`:
 * the attempts have ended, and OCS may have carried out one that it did not answer. `refused`: they have ended, and OCS
 * carried out none.
 */
export type RequestState = {
  readonly id: string;
  readonly upstream: string;
  /** DBID. */
  readonly tenant: number;
  readonly client: string;
  readonly state: "queued" | "answered" | "unknown" | "refused";
  /** OCS's, once it is answered. */
  readonly status: number | null;
  /** What is certain of the attempts together. */
  readonly delivery: Delivery;
  readonly attempts: number;
};

export const requestStateOf = ({
  id,
  upstream,
  tenant,
  client,
  state,
  attempts,
  status,
  cause,
  mayBeDone,
}: OutboxItem): RequestState => {
  const delivery: Delivery = mayBeDone ? "sent-no-answer" : status === undefined ? "not-sent" : "answered";
  const base = { id, upstream, tenant, client, delivery, attempts };
  if (state === "pending") return { ...base, state: "queued", status: null };
  if (state === "answered" || cause === "rejected")
    return { ...base, state: "answered", status: status ?? null, delivery: "answered" };
  return { ...base, state: mayBeDone ? "unknown" : "refused", status: null };
};
