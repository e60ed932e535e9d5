/** What a client learns of one of its requests. */
import type { Delivery } from "../../journal/entry.ts";
import type { Repeat } from "../repeat.ts";

export const REQUEST_STATES = ["queued", "sent", "answered", "unknown", "refused"] as const;

/**
 * `status`: of the reply; null until the client got one. `repeat`: whether the client may send the same request again;
 * null if the reply is final. `code`: of a reply of the gateway.
 */
export type RequestState = {
  readonly id: string;
  readonly state: (typeof REQUEST_STATES)[number];
  readonly status: number | null;
  readonly delivery: Delivery;
  readonly repeat: Repeat | null;
  readonly code?: string | undefined;
  /** Of a request that was accepted with 202: how often it was sent. */
  readonly attempts?: number | undefined;
};

/**
 * `tenant`: undefined for a request that was refused before its tenant was known. `state`: undefined while the journal
 * does not have its end.
 */
export type KnownRequest = {
  readonly client: string;
  readonly tenant: { readonly dbid: number; readonly upstream?: string | undefined } | undefined;
  readonly state: RequestState | undefined;
};

/** `unclear`: why it is not known whether there was such a request, or how it ended; for the operator. */
export type FoundRequest = { readonly known: KnownRequest | undefined; readonly unclear: string | undefined };
