/** The faults by name: one row per kind, with what a client of OCS sees of it. To add a kind, add a row. */
import type { Reply } from "../message.ts";
import { answerTo, SERVER } from "./ocs.ts";
import { CONDITIONS, type Condition } from "./conditions.ts";
import { expireHandle, findHeld, type Held } from "./handles.ts";
import type { Waited } from "./lapse.ts";
import type { Subject } from "./subject.ts";
import { bytes, duration, optional, status, type NegativeStatus, type ValueRule } from "./fault-values.ts";
import type { World } from "./world.ts";

/** A fault at one place where it strikes. */
export type Firing = {
  /** Milliseconds, bytes or a status, as the kind says. */
  readonly value: number | undefined;
  /** Aborts when the fault is taken away or its time is up. */
  readonly over: AbortSignal;
};

/** What can happen to both instances at once. */
export type Events = {
  readonly switchover: (gap: Firing) => void;
  readonly fall: (outage: Firing) => void;
  readonly closeIdle: () => void;
  /** The standby does this with what connects, instead of accepting and closing it. */
  readonly standby: (does: "refuses" | "accepts", how: Firing) => void;
};

/** One request under way and its connection, as a fault meets them. */
export type Exchange = {
  readonly world: World;
  readonly events: Events;
  readonly subject: () => Subject;
  readonly write: (bytes: Uint8Array) => void;
  /** Sends FIN and hears no more. */
  readonly halfClose: () => void;
  /** Closes in order; a client that stays is hung up on. */
  readonly finish: () => void;
  /** Closes in order once the request is answered. */
  readonly finishAfterwards: () => void;
  /** Sends RST. */
  readonly reset: () => void;
  /** Waits for the firing's value in milliseconds; until the fault goes, when it has none. */
  readonly wait: (firing: Firing) => Promise<Waited>;
};

/** "over": nothing else is to be done or sent. */
export type Verdict = "go on" | "over";

export type Kind = {
  readonly value?: ValueRule;
  readonly sees: string;
  /** What we made up about OCS, for the fidelity table. */
  readonly assumes?: string;
  /** What it can be limited to beside count and probability; requests when absent. */
  readonly selects?: "connections";
  /** Requests that it can happen to; every one when absent. */
  readonly fits?: (world: World, subject: Subject) => boolean;
  /** The request was read and nothing is done yet. A reply stands for OCS's own. */
  readonly arrival?: (at: Exchange, firing: Firing) => Verdict | Reply | Promise<Verdict | Reply>;
  /** The request is done; the bytes are the whole answer. */
  readonly answer?: (at: Exchange, firing: Firing, bytes: Uint8Array) => Verdict | Promise<Verdict>;
  /** Happens at once when nothing selects requests. */
  readonly event?: (events: Events, firing: Firing) => void;
  /** The event goes on until its fault is taken away when no value bounds it. */
  readonly endless?: true;
};

const encoder = new TextEncoder();
const GARBAGE = encoder.encode("\u0016\u0003 %$#& this is not HTTP \u0000\r\n\r\n");
/** A whole answer that nobody waits for: the next request on the connection would take it for its own. */
const SURPLUS = encoder.encode(`HTTP/1.1 200 OK\r\n${SERVER.join(": ")}\r\nContent-length: 0\r\n\r\n`);

const heldBy = (world: World, { action, identifier }: Subject): Held | undefined =>
  action?.resource === "records" ? findHeld(world, Number(identifier)) : undefined;

/** Of two conditions with one status, the one that the resource's table documents. */
const CONDITION_OF: Readonly<Record<NegativeStatus, (resource: string | undefined) => Condition>> = {
  400: (resource) => (resource === "campaigngroups" ? "invalid-parameter" : "unknown-request"),
  404: (resource) =>
    resource === "campaigngroups" ? "group-not-found" : resource === "lists" ? "list-not-found" : "not-found",
  409: (resource) =>
    resource === "campaigngroups" ? "already-loaded" : resource === "lists" ? "not-added" : "conflict",
  410: (resource) => (resource === "campaigngroups" ? "not-loaded" : resource === "records" ? "no-call" : "no-record"),
  500: (resource) => (resource === "campaigngroups" ? "group-internal" : "internal"),
};

/** In the order in which they strike one request. */
export const KINDS = {
  stall: {
    sees: "nothing, and the connection stays open; the request is done and answered when the fault goes",
    assumes:
      "OCS that hangs has not begun with the request; it does it later even when the client has closed its side (FIN), and forgets it when the connection breaks (RST)",
    arrival: async (at, firing) => ((await at.wait({ ...firing, value: undefined })) === "gone" ? "over" : "go on"),
  },
  "reset-before": {
    sees: "the connection is reset (RST) once the request was read; OCS did nothing",
    arrival: (at) => {
      at.reset();
      return "over";
    },
  },
  "half-close": {
    sees: "OCS closes its side (FIN) once the request was read, and sends nothing; it did nothing",
    assumes: "OCS did nothing before it closed its side",
    arrival: (at) => {
      at.halfClose();
      return "over";
    },
  },
  switchover: {
    value: optional(duration),
    sees: "the other instance answers from now on, after the gap when one is given; connections are closed in order (FIN) without the answers that were due, record handles are void",
    assumes:
      "connections end with FIN; a request that sets it off is not done; in the gap both instances close what connects; answers that are due at that moment are lost, what they were for is done",
    event: ({ switchover }, firing) => {
      switchover(firing);
    },
    arrival: ({ events }, firing) => {
      events.switchover(firing);
      return "over";
    },
  },
  "both-down": {
    value: optional(duration),
    endless: true,
    sees: "connections are reset and new ones refused (ECONNREFUSED) on both instances, for the duration or until the fault goes; they come back on the same ports",
    assumes:
      "an outage of the network's kind: OCS's state, record handles too, is the same afterwards; a request that sets it off is not done",
    event: ({ fall }, firing) => {
      fall(firing);
    },
    arrival: ({ events }, firing) => {
      events.fall(firing);
      return "over";
    },
  },
  "standby-refuses": {
    value: optional(duration),
    endless: true,
    sees: "the instance that does not answer refuses connections (ECONNREFUSED), for the duration or until the fault goes; without the fault it accepts and closes them",
    assumes: "what a standby does with a connection differs by site; the manual has it not accept any",
    event: ({ standby }, firing) => {
      standby("refuses", firing);
    },
    arrival: ({ events }, firing) => {
      events.standby("refuses", firing);
      return "go on";
    },
  },
  "standby-accepts": {
    value: optional(duration),
    endless: true,
    sees: "the instance that does not answer keeps connections and stays silent, for the duration or until the fault goes; without the fault it accepts and closes them",
    assumes:
      "what a standby does with a connection differs by site; connections that it kept stay silent when it takes over",
    event: ({ standby }, firing) => {
      standby("accepts", firing);
    },
    arrival: ({ events }, firing) => {
      events.standby("accepts", firing);
      return "go on";
    },
  },
  stale: {
    sees: "the record's handle goes stale before the request: 410, Warning 112",
    assumes: "the record then has status 4, Stale, and call result 46, as after the stale timeout",
    fits: (world, subject) => heldBy(world, subject) !== undefined,
    arrival: ({ world, subject }) => {
      world.db.transaction(() => {
        expireHandle(world, heldBy(world, subject())!);
      });
      return "go on";
    },
  },
  status: {
    value: status,
    sees: "OCS's negative answer of that status, with its body and Warning; OCS did nothing",
    assumes: `statuses that the resource's table lacks are answered with Warning ${CONDITIONS["not-found"].warning} and ${CONDITIONS.conflict.warning}`,
    arrival: ({ subject }, { value }) => answerTo(CONDITION_OF[value as NegativeStatus](subject().action?.resource)),
  },
  "db-down": {
    sees: "AddRecord on lists, where it would have been done, answers 409, Warning 9014; every other action works",
    assumes: "what else OCS does works from its memory while DB Server is gone",
    fits: (_, { action }) => action?.resource === "lists",
  },
  "close-idle": {
    sees: "idle connections are closed in order (FIN): all of them at once or, when requests are selected, each as soon as its answer is sent",
    assumes: "the manual has OCS close connections only when it becomes backup and when the network fails",
    event: ({ closeIdle }) => {
      closeIdle();
    },
    answer: (at) => {
      at.finishAfterwards();
      return "go on";
    },
  },
  "reject-second": {
    sees: "a request that comes before the answer to the one before is refused: the first is answered, then the connection is closed in order; without the fault it is reset at once",
    assumes: "what OCS does with a second request is not said anywhere",
  },
  slow: {
    value: duration,
    sees: "the answer comes late; OCS did at once what was asked",
    answer: async (at, firing) => ((await at.wait(firing)) === "gone" ? "over" : "go on"),
  },
  "lost-reply": {
    sees: "OCS does what was asked and commits it, then the connection is reset (RST) without an answer",
    answer: (at) => {
      at.reset();
      return "over";
    },
  },
  truncate: {
    value: bytes,
    sees: "OCS does what was asked, its answer ends after so many bytes and the connection is closed in order",
    answer: (at, { value }, whole) => {
      at.write(whole.subarray(0, value));
      at.finish();
      return "over";
    },
  },
  garbage: {
    sees: "OCS does what was asked and sends bytes that are not HTTP; the connection stays open",
    answer: (at) => {
      at.write(GARBAGE);
      return "over";
    },
  },
  "surplus-bytes": {
    value: optional(duration),
    sees: "the answer is right, and a whole 200 that nobody asked for follows it, at once or after the delay",
    answer: (at, firing, whole) => {
      if (firing.value === undefined) at.write(Buffer.concat([whole, SURPLUS]));
      else {
        at.write(whole);
        void at.wait(firing).then((how) => {
          if (how === "elapsed") at.write(SURPLUS);
        });
      }
      return "over";
    },
  },
  "bad-cert": {
    selects: "connections",
    sees: "new HTTPS connections are shown a certificate of another authority, for the right names",
  },
} as const satisfies Record<string, Kind>;

export type FaultKind = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as FaultKind[];
export const kindOf = (name: FaultKind): Kind => KINDS[name];
