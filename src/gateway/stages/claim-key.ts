/**
 * Is it a repeat of an earlier request? The key of a request with an Idempotency-Key is on disk before anything is
 * sent; a repeat gets the reply of the first request. Only AddRecord needs keys: every other action has the same end
 * state when it is repeated, or a status to read before. Other actions ignore the header.
 */
import { canonicalRequest } from "../../idempotency/key-tokens.ts";
import { readKeyHeader } from "../../idempotency/key-header.ts";
import type { ClaimKey, HeldKey, KeyClaim } from "../../idempotency/keys.ts";
import { KeysUnavailable, type KeptAnswer } from "../../idempotency/types.ts";
import type { Arrival } from "../../common/message.ts";
import { REFUSALS, type Refusal } from "../refusals.ts";
import { Refused, refuse } from "../refused.ts";
import type { Command, Order, Permit, UsedKey } from "../types.ts";
import { requestForOcs, type isolate, type IsolateDeps } from "./isolate.ts";

export type ClaimKeyDeps = {
  /** Rejects with KeysUnavailable. Absent where nothing is sent: the header is ignored then. */
  readonly claimKey?: ClaimKey;
  /** Seconds that a new request of this tenant would wait; 1 if absent. */
  readonly waitFor?: (request: Pick<Order, "owner" | "tenant" | "urgent">) => number;
};

/** A key that an earlier request used, and OCS's answer to it. */
export type RepeatedKey = UsedKey & { readonly answer: KeptAnswer };

export const isRepeat = (key: Order | UsedKey | undefined): key is RepeatedKey => key !== undefined && "answer" in key;

/** Undefined for a request without a key. Releases the order's lease unless the request is the first with its key. */
export const claimKey = async (
  deps: ClaimKeyDeps,
  arrival: Arrival,
  order: Order,
): Promise<(UsedKey & HeldKey) | RepeatedKey | undefined> => {
  let isFirst = false;
  try {
    const claimed = await claim(deps, arrival, order, false);
    isFirst = !isRepeat(claimed);
    return claimed as (UsedKey & HeldKey) | RepeatedKey | undefined;
  } finally {
    if (!isFirst) order.lease?.release(undefined, order.id);
  }
};

/**
 * The result of `isolateOrder` or, if the record handle must not be used now or a Do-Not-Call for the number is
 * pending, the repeat of an earlier request: also after the record has ended, a repeat gets the first reply. Otherwise
 * its client could take the refusal for the result of the first request.
 */
export const unlessRepeated = async (
  deps: IsolateDeps & ClaimKeyDeps,
  arrival: Arrival,
  permit: Permit,
  command: Command,
  isolateOrder: typeof isolate,
): Promise<Order | RepeatedKey> => {
  try {
    return isolateOrder(deps, arrival, permit, command);
  } catch (error) {
    if (!(error instanceof Refused) || !ABOUT_NOW.has(error.refusal)) throw error;
    const { caller, tenant, operation } = permit;
    const request = { id: arrival.id, client: caller.client, owner: tenant, operation };
    const asked = { ...request, ...requestForOcs(permit, command.attributes), ...waiting(permit) };
    const found = await claim(deps, arrival, asked, true);
    if (isRepeat(found)) return found;
    throw error;
  }
};

const waiting = ({ tenant, operation }: Permit): Pick<Order, "tenant" | "urgent"> => ({
  tenant: String(tenant.dbid),
  urgent: operation.action.urgent,
});

const ABOUT_NOW: ReadonlySet<Refusal> = new Set(["no-such-record", "unclear", "probing", "dnc-pending"]);

type Asked = Pick<
  Order,
  "id" | "client" | "owner" | "operation" | "method" | "path" | "attributes" | "tenant" | "urgent"
>;

const claim = async (
  deps: ClaimKeyDeps,
  { headers }: Arrival,
  asked: Asked,
  looksOnly: boolean,
): Promise<UsedKey | undefined> => {
  if (asked.operation.action.name !== "AddRecord" || !deps.claimKey) return undefined;
  const read = readKeyHeader(headers);
  if (!read) return undefined;
  if ("fault" in read) return refuse("bad-key", { detail: read.fault });
  const { id, client, owner, method, path, attributes } = asked;
  const request = canonicalRequest(method, path, withoutTenant(attributes));
  const scope = { upstream: owner.upstream, tenant: owner.dbid, client };
  const claimed = await deps.claimKey({ ...scope, id, key: read.key, request, looksOnly }).catch(refuseUnavailable);
  return usedKey(deps, asked, claimed);
};

/** The key's scope has the tenant, whether the request names it or not. */
const withoutTenant = (attributes: Order["attributes"]): Order["attributes"] =>
  new Map([...attributes].filter(([name]) => name !== "GSW_TENANT_DBID"));

const refuseUnavailable = (error: unknown): never => {
  if (!(error instanceof KeysUnavailable)) throw error;
  const reason = `keys: ${error.message}`;
  return refuse("database-unavailable", { headers: [["Retry-After", "5"]], cause: error, reason });
};

const usedKey = (deps: ClaimKeyDeps, asked: Asked, claimed: KeyClaim): UsedKey | undefined => {
  switch (claimed.kind) {
    case "absent":
      return undefined;
    case "held":
      return claimed.key;
    case "answered":
      return { token: claimed.token, first: claimed.first, answer: claimed.answer, isReplayed: true };
    case "unknown": {
      const { token, first, detail } = claimed;
      const found = { key: { token, first, isReplayed: true as const } };
      return refuse(refusalOf(claimed.refusal), { detail, delivery: "sent-no-answer", found });
    }
    case "running":
      return refuse("key-running", {
        reason: `running: the first request with this key is ${claimed.first}`,
        headers: [["Retry-After", String(deps.waitFor?.(asked) ?? 1)]],
        found: { key: { token: claimed.token, first: claimed.first } },
      });
    case "other-request":
      return refuse("key-reused", {
        reason: `reused: the first request with this key is ${claimed.first}`,
        found: { key: { token: claimed.token, first: claimed.first } },
      });
    case "full":
      return refuse("too-many-keys", { headers: [["Retry-After", String(claimed.seconds)]] });
  }
};

/** The store may have been written by another version, with a reply that this one does not know. */
const refusalOf = (name: string): Refusal => (Object.hasOwn(REFUSALS, name) ? (name as Refusal) : "connection-lost");
