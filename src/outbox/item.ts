/** A Do-Not-Call in the outbox: what the gateway sends to OCS, and how far it got. */
import type { Attributes } from "../ocs/body.ts";
import { readBody } from "../ocs/body.ts";
import { readTarget, type Operation } from "../ocs/target.ts";
import { bytesOf } from "../common/message.ts";
import type { Credential } from "../identity/credentials.ts";
import type { Tokens } from "../journal/entry.ts";

/**
 * Why an accepted Do-Not-Call was not carried out: an alarm. `rejected`: OCS's answer is final. `record-ended`: its
 * record handle is no longer that record's. `tenant-removed`: the config has no such tenant. `gave-up`: OCS has not
 * answered 200 within `outbox.give_up`. `unreadable`: the stored request is not one that this version can send.
 */
export type Cause = "rejected" | "record-ended" | "tenant-removed" | "gave-up" | "unreadable";

/**
 * `pending`: it is sent again until OCS answers 200. `answered`: OCS has answered 200. `alarm`: it is not sent any
 * more, and waits for a person. `closed`: a person has closed the alarm.
 */
export type ItemState = "pending" | "answered" | "alarm" | "closed";

export type OutboxItem = {
  /** Of the client's request. */
  readonly id: string;
  readonly upstream: string;
  /** DBID. */
  readonly tenant: number;
  readonly client: string;
  readonly credential: Credential;
  readonly source: string;
  readonly listener: string;
  /** W3C Trace Context of the client's call. */
  readonly traceparent?: string | undefined;
  /** What OCS gets; empty once the item is answered or closed, because it has the person's number. */
  readonly path: string;
  readonly body: string;
  /** For a record handle: the record that the client meant. */
  readonly record?: RecordMeant | undefined;
  /** The believed time (`Journal.believed`) of its acceptance, in microseconds since 1970. */
  readonly acceptedAt: number;
  readonly state: ItemState;
  readonly attempts: number;
  /** Of the last attempt: its request id, and how it ended, in words. */
  readonly lastAttempt?: string | undefined;
  readonly lastResult?: string | undefined;
  /** An attempt was sent and got no answer, so OCS may have carried it out. */
  readonly mayBeDone?: true | undefined;
  /** Once it is no longer pending: OCS's last status, the cause of the alarm, the believed time. */
  readonly status?: number | undefined;
  readonly cause?: Cause | undefined;
  readonly endedAt?: number | undefined;
};

/** `generation`: undefined for a tenant whose handles have no owners. */
export type RecordMeant = {
  readonly epoch: number;
  readonly generation?: number | undefined;
  /** Tokens of the person that OCS announced with the record. */
  readonly announced?: Tokens | undefined;
};

export type Person = { readonly phone: string | undefined; readonly customer: string | undefined };

/** Throws Violation if the stored request is none that this version knows. */
export const requestOf = ({
  path,
  body,
}: Pick<OutboxItem, "path" | "body">): { readonly operation: Operation; readonly attributes: Attributes } => {
  const operation = readTarget("POST", path);
  return { operation, attributes: readBody(operation.action, bytesOf(body)) };
};

/** The person that the request names. */
export const personIn = (item: Pick<OutboxItem, "path" | "body">): Person => {
  const { operation, attributes } = requestOf(item);
  const { identifier, action } = operation;
  return {
    phone: action.resource === "phones" ? identifier : textIn(attributes, "GSW_PHONE"),
    customer: action.resource === "customer_ids" ? identifier : textIn(attributes, "GSW_CUSTOMER_ID"),
  };
};

const textIn = (attributes: Attributes, name: string): string | undefined => {
  const value = attributes.get(name);
  return value === undefined || typeof value === "object" ? undefined : String(value);
};

/** Whether AddRecord of its person is refused: until OCS has answered 200, or a person has closed the alarm. */
export const isBlocking = ({ state }: OutboxItem): boolean => state === "pending" || state === "alarm";

/** The item without the person's number. */
export const erased = (item: OutboxItem): OutboxItem => ({ ...item, path: "", body: "", record: undefined });
