/**
 * A Do-Not-Call with `Prefer: respond-async` (RFC 7240) is handed over: the gateway answers 202 once the request is in
 * the journal and in the outbox on disk, and sends it to OCS by itself until OCS answers 200. The journal's intent and
 * outcome of this request say that it was accepted; each attempt to send it has an intent and an outcome of its own.
 */
import { bytesOf, headerOf, type Arrival, type HeaderLine } from "../../common/message.ts";
import { faultInWords } from "../../common/system-error.ts";
import type { Operation } from "../../ocs/target.ts";
import { acceptedEntry, intentEntry, notAcceptedEntry } from "../journal-entries.ts";
import { refuse, Refused } from "../refused.ts";
import type { Exchange, OpenReply, Order, Trace } from "../types.ts";
import { appendIntent, appendOutcome, newExchange, type SendJournaledDeps } from "./send-journaled.ts";

export type HandOverDeps = Pick<SendJournaledDeps, "append" | "redact" | "configHash" | "ownership"> & {
  /** Absent where nothing is handed over: the preference is ignored then, as RFC 7240 allows. */
  readonly outbox?: OutboxIntake;
};

export type OutboxIntake = {
  /** True if the outbox is in the database that several gateways share, not on this machine's disk. */
  readonly isShared: boolean;
  /** False if the tenant has too many requests in the outbox. */
  readonly hasRoom: (tenant: Order["owner"]) => boolean;
  /** Resolves when the request is on disk. Rejects with an error whose message says why it cannot be stored. */
  readonly accept: (order: Order, arrival: Arrival) => Promise<void>;
  /** Begins to send it: called when its acceptance is in the journal. */
  readonly begin: (id: string) => void;
};

/** The path under which a client asks about its request; the id follows. */
export const REQUESTS_PATH = "/ocsgw/requests/";

const RETRY_AFTER = ["Retry-After", "5"] as const;
const RETRY_WHEN_FULL = ["Retry-After", "60"] as const;

export const isHandedOver = ({ outbox }: HandOverDeps, { headers }: Arrival, { action }: Operation): boolean =>
  outbox !== undefined &&
  action.name === "DoNotCall" &&
  headerOf(headers, "Prefer") !== undefined &&
  isPreferred(headers, "respond-async");

export const handOver = async (
  deps: HandOverDeps,
  arrival: Arrival,
  order: Order,
  trace: Trace,
): Promise<OpenReply> => {
  const exchange = newExchange();
  try {
    await store(deps, arrival, order, exchange);
  } finally {
    // The attempt takes a lease of its own.
    order.lease?.release(undefined, arrival.id);
  }
  Object.assign(trace, exchange);
  deps.outbox!.begin(arrival.id);
  return {
    status: 202,
    headers: [
      ["Location", `${REQUESTS_PATH}${arrival.id}`],
      ["Preference-Applied", "respond-async"],
    ],
    body: bytesOf(""),
    accepted: true,
  };
};

/** The intent first, so that the journal knows of every request that is in the outbox. */
const store = async (deps: HandOverDeps, arrival: Arrival, order: Order, exchange: Exchange): Promise<void> => {
  const outbox = deps.outbox!;
  if (!outbox.hasRoom(order.owner)) refuse("outbox-full", { headers: [RETRY_WHEN_FULL] });
  await appendIntent(deps, intentEntry(deps, arrival, order), exchange);
  try {
    await outbox.accept(order, arrival);
  } catch (error) {
    const reason = faultInWords(error);
    const refusal = outbox.isShared ? "database-unavailable" : "outbox-unavailable";
    await appendOutcome(deps, notAcceptedEntry(arrival, refusal, reason), exchange);
    throw new Refused(refusal, { cause: error, headers: [RETRY_AFTER], found: exchange });
  }
  await appendOutcome(deps, acceptedEntry(arrival), exchange);
};

/** `name[=value]`, then parameters; a value may be a quoted text, in which commas and semicolons do not separate. */
const PREFERENCE = /[^,;"]*(?:"(?:[^"\\]|\\.)*"[^,;"]*)*/g;

/** True if the client asks for this preference, which has no value. Names are compared without case. */
const isPreferred = (headers: readonly HeaderLine[], wanted: string): boolean =>
  headers.some(([name, value]) => name.toLowerCase() === "prefer" && preferencesIn(value).includes(wanted));

/** The names, in lower case, of preferences without a value or with an empty one. */
const preferencesIn = (value: string): string[] => {
  const names: string[] = [];
  let isParameter = false;
  for (const { 0: part, index } of value.matchAll(PREFERENCE)) {
    const [name = "", ...of] = part.trim().split("=");
    if (name !== "" && !isParameter && ["", '""'].includes(of.join("=").trim())) names.push(name.trim().toLowerCase());
    isParameter = value[index + part.length] === ";";
  }
  return names;
};
