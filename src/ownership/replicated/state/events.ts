/**
 * The events in the log of ownership. Every gateway applies them in the same order to the same state, so an event
 * contains everything that decides, also settings of the gateway that wrote it. They are read from a database, so they
 * are checked strictly.
 */
import type { Ending } from "../../handles/lease-decision.ts";

/** Tokens of the person that OCS announced. */
type Person = { readonly phone?: string; readonly customer?: string };
/** The active OCS of the gateway that wrote it; the event has no effect if the log has another one. */
type Heard = { readonly endpoint: string };
/**
 * The epoch, and the highest handle announced in it, that the gateway knew when it heard an announcement. Only a handle
 * far below that one proves a restart of OCS: the log may have higher ones that OCS announced later.
 */
export type Seen = { readonly epoch: number; readonly highest: number };

export type LogEvent =
  /** OCS announced the record for this tenant. `window`: how far below the highest a new handle proves a restart. */
  | ({ readonly kind: "announce"; readonly handle: number; readonly tenant: number; readonly window: number } & Seen & {
        readonly attempt?: string;
      } & Person &
      Heard)
  /** OCS announced a record without an owner here. `among`: DBIDs of the tenants that it could belong to. */
  | ({
      readonly kind: "unowned";
      readonly handle: number;
      readonly among: readonly number[];
      readonly window: number;
    } & Seen &
      Heard)
  /** A registrar named the tenant. `speaksFor`: DBIDs of the tenants that it may name. */
  | ({
      readonly kind: "register";
      readonly handle: number;
      readonly tenant: number;
      readonly speaksFor: readonly number[];
    } & Heard)
  /**
   * The handle has ended. `generation`: only if this is its generation; `upTo`: only if its generation is not higher;
   * `attempt`: not if it is known to belong to another attempt. `claim`: ends this claim too.
   */
  | {
      readonly kind: "end";
      readonly handle: number;
      readonly ending: Ending;
      readonly generation?: number;
      readonly upTo?: number;
      readonly attempt?: string;
      readonly by?: string;
      readonly claim?: string;
      readonly endpoint?: string;
    }
  /** A finalizing request ended a handle that needs no owner. `period`: the connection period in which it began. */
  | {
      readonly kind: "free-end";
      readonly handle: number;
      readonly tenant: number;
      readonly period: number;
      readonly by?: string;
      readonly claim?: string;
    }
  /** A finalizing request asks for its turn; the event's id names it. Without `generation`: the handle has no owner. */
  | { readonly kind: "claim"; readonly handle: number; readonly generation?: number }
  /** The request has ended and the handle has not. */
  | { readonly kind: "release"; readonly handle: number; readonly claim: string }
  /** OCS may dial the record: all gateways know its new owner. */
  | { readonly kind: "settle"; readonly handle: number; readonly generation: number }
  /** OCS was told not to dial the record. `named`: the number of the announcement, which no later one may follow. */
  | { readonly kind: "withdraw"; readonly handle: number; readonly generation: number; readonly named: number }
  /** The writer has connected to this OCS, the active one as it sees it. */
  | { readonly kind: "connected"; readonly endpoint: string; readonly how: "start" | "reconnected" | "takeover" }
  /** The writer has lost all connections to the active OCS. */
  | { readonly kind: "lost" }
  /**
   * The writer's connection has been open since before the other run's connection, the event `connected`. `lasting`:
   * for so long that it would have noticed if the OCS behind it was another one.
   */
  | {
      readonly kind: "vouch";
      readonly instance: string;
      readonly connected: number;
      readonly lasting: boolean;
    }
  /** This run of a gateway is dead: its connection proves nothing any more, and its claims have ended. */
  | { readonly kind: "gone"; readonly instance: string }
  /** Handles that OCS has not named for this many seconds are stale. */
  | { readonly kind: "stale"; readonly after: number }
  /** The writer's journal knows a later epoch, so the log is new, or older than the journal. */
  | { readonly kind: "epoch-known"; readonly epoch: number }
  /** The database has lost events that gateways had applied. */
  | { readonly kind: "log-lost" }
  /** Takes the place of an event whose commit got no reply. */
  | { readonly kind: "void" };

type Check = (value: unknown) => boolean;

const isWhole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isWholeList: Check = (value) => Array.isArray(value) && value.every(isWhole);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const isEnding = oneOf("finished", "gone", "call-ended", "rejected", "taken-back", "reassigned");
const person = { phone: optional(isText), customer: optional(isText) };

const MEMBERS: { readonly [Kind in LogEvent["kind"]]: Readonly<Record<string, Check>> } = {
  announce: {
    handle: isWhole,
    tenant: isWhole,
    window: isWhole,
    epoch: isWhole,
    highest: isWhole,
    endpoint: isText,
    attempt: optional(isText),
    ...person,
  },
  unowned: {
    handle: isWhole,
    among: isWholeList,
    window: isWhole,
    epoch: isWhole,
    highest: isWhole,
    endpoint: isText,
  },
  register: { handle: isWhole, tenant: isWhole, speaksFor: isWholeList, endpoint: isText },
  end: {
    handle: isWhole,
    ending: isEnding,
    generation: optional(isWhole),
    upTo: optional(isWhole),
    attempt: optional(isText),
    by: optional(isText),
    claim: optional(isText),
    endpoint: optional(isText),
  },
  "free-end": { handle: isWhole, tenant: isWhole, period: isWhole, by: optional(isText), claim: optional(isText) },
  claim: { handle: isWhole, generation: optional(isWhole) },
  release: { handle: isWhole, claim: isText },
  settle: { handle: isWhole, generation: isWhole },
  withdraw: { handle: isWhole, generation: isWhole, named: isWhole },
  connected: { endpoint: isText, how: oneOf("start", "reconnected", "takeover") },
  lost: {},
  vouch: { instance: isText, connected: isWhole, lasting: isFlag },
  gone: { instance: isText },
  stale: { after: isWhole },
  "epoch-known": { epoch: isWhole },
  "log-lost": {},
  void: {},
};

/** An event that this version cannot apply. Ignoring it would give this gateway other owners than the others have. */
export class UnknownEvent extends Error {
  override readonly name = "UnknownEvent";
}

/** Throws UnknownEvent for anything but an event of this version. */
export const eventIn = (value: unknown): LogEvent => {
  if (typeof value !== "object" || value === null) throw new UnknownEvent("the event is not an object");
  const { kind, ...members } = value as Record<string, unknown>;
  if (typeof kind !== "string" || !Object.hasOwn(MEMBERS, kind))
    throw new UnknownEvent(`this version does not know the event ${JSON.stringify(kind)}`);
  const checks = MEMBERS[kind as LogEvent["kind"]];
  const wrong = [
    ...Object.keys(members).filter((name) => !Object.hasOwn(checks, name)),
    ...Object.keys(checks).filter((name) => !checks[name]!(members[name])),
  ];
  if (wrong.length > 0) throw new UnknownEvent(`the event ${kind} has an unknown or malformed member: ${wrong[0]}`);
  return value as LogEvent;
};
