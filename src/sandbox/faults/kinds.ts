/** The kinds of fault: one row each, which says what a client of OCS sees. To add a kind, add a row. */
import type { Reply } from "../../common/message.ts";
import { answerTo, SERVER } from "../ocs.ts";
import { NEGATIVE_ANSWERS, type NegativeAnswer } from "../negative-answers.ts";
import { expireHandle, findOpenHandle, type OpenHandle } from "../world/handles.ts";
import type { Waited } from "./cancellable-wait.ts";
import type { Subject } from "./subject.ts";
import { bytes, duration, optional, status, type NegativeStatus, type ValueRule } from "./values.ts";
import type { World } from "../world/world.ts";

/** A fault that strikes one request or connection. */
export type Firing = {
  /** Milliseconds, bytes or a status, depending on the kind. */
  readonly value: number | undefined;
  /** Aborts when the fault is removed or expires. */
  readonly over: AbortSignal;
};

/** Events that concern both instances. */
export type Events = {
  readonly switchover: (gap: Firing) => void;
  readonly fall: (outage: Firing) => void;
  readonly closeIdle: () => void;
  /** The standby refuses connections or keeps them open, instead of accepting and closing them. */
  readonly standby: (does: "refuses" | "accepts", how: Firing) => void;
};

/** The request and the connection that a fault strikes. */
export type FaultContext = {
  readonly world: World;
  readonly events: Events;
  readonly subject: () => Subject;
  readonly write: (bytes: Uint8Array) => void;
  /** Sends FIN and reads nothing more. */
  readonly halfClose: () => void;
  /** Closes with FIN; destroys the connection when the client does not close its side. */
  readonly finish: () => void;
  /** Closes with FIN after the answer. */
  readonly finishAfterwards: () => void;
  /** Sends RST. */
  readonly reset: () => void;
  /** Waits as many milliseconds as the firing's value; without a value, until the fault is removed. */
  readonly wait: (firing: Firing) => Promise<Waited>;
};

/** "over": the exchange ends here; OCS sends nothing more. */
export type Verdict = "go on" | "over";

export type Kind = {
  readonly value?: ValueRule;
  readonly sees: string;
  /** What is assumed about OCS, for the fidelity table. */
  readonly assumes?: string;
  /** What selectors other than count and probability select; requests when absent. */
  readonly selects?: "connections";
  /** Which requests it can strike; all when absent. */
  readonly fits?: (world: World, subject: Subject) => boolean;
  /** Runs after the request was read and before it is carried out. A reply replaces OCS's. */
  readonly arrival?: (at: FaultContext, firing: Firing) => Verdict | Reply | Promise<Verdict | Reply>;
  /** Runs after the request was carried out; the bytes are the complete answer. */
  readonly answer?: (at: FaultContext, firing: Firing, bytes: Uint8Array) => Verdict | Promise<Verdict>;
  /** Runs at once when no selector limits the fault to some requests. */
  readonly event?: (events: Events, firing: Firing) => void;
  /** Without a value the event lasts until the fault is removed. */
  readonly endless?: true;
};

const encoder = new TextEncoder();
const GARBAGE = encoder.encode("\u0016\u0003 %$#& this is not HTTP \u0000\r\n\r\n");
/** A complete answer without a request: the next request on the connection could take it for its own. */
const SURPLUS = encoder.encode(`HTTP/1.1 200 OK\r\n${SERVER.join(": ")}\r\nContent-length: 0\r\n\r\n`);

const openHandleOf = (world: World, { action, identifier }: Subject): OpenHandle | undefined =>
  action?.resource === "records" ? findOpenHandle(world, Number(identifier)) : undefined;

/** The condition that the resource's table documents for a status. */
const CONDITION_OF: Readonly<Record<NegativeStatus, (resource: string | undefined) => NegativeAnswer>> = {
  400: (resource) => (resource === "campaigngroups" ? "invalid-parameter" : "unknown-request"),
  404: (resource) =>
    resource === "campaigngroups" ? "group-not-found" : resource === "lists" ? "list-not-found" : "not-found",
  409: (resource) =>
    resource === "campaigngroups" ? "already-loaded" : resource === "lists" ? "not-added" : "conflict",
  410: (resource) => (resource === "campaigngroups" ? "not-loaded" : resource === "records" ? "no-call" : "no-record"),
  500: (resource) => (resource === "campaigngroups" ? "group-internal" : "internal"),
};

/** In the order in which they are applied to a request. */
export const KINDS = {
  stall: {
    sees: "no answer, and the connection stays open; OCS carries out and answers the request when the fault is removed",
    assumes:
      "a hanging OCS has not begun the request; it carries it out later even when the client has closed its side " +
      "(FIN), and drops it when the connection is reset (RST)",
    arrival: async (at, firing) => ((await at.wait({ ...firing, value: undefined })) === "gone" ? "over" : "go on"),
  },
  "reset-before": {
    sees: "the connection is reset (RST) after the request was read; OCS did not carry it out",
    arrival: (at) => {
      at.reset();
      return "over";
    },
  },
  "half-close": {
    sees: "OCS closes its side (FIN) after it read the request, and sends nothing; it did not carry the request out",
    assumes: "OCS did not carry the request out before it closed its side",
    arrival: (at) => {
      at.halfClose();
      return "over";
    },
  },
  switchover: {
    value: optional(duration),
    sees:
      "the other instance becomes active, after the gap if one is given; connections are closed (FIN) without the " +
      "answers still due, and all record handles are invalid",
    assumes:
      "connections end with FIN; a request that triggers it is not carried out; during the gap both instances " +
      "close new connections; answers due at that moment are lost, but their requests are carried out",
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
    sees:
      "connections are reset and new ones refused (ECONNREFUSED) on both instances, for the duration or until the " +
      "fault is removed; then both listen on the same ports again",
    assumes:
      "a network outage: OCS keeps its state, including record handles; a request that triggers it is not carried out",
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
    sees:
      "the standby instance refuses connections (ECONNREFUSED), for the duration or until the fault is removed; " +
      "without the fault it accepts and closes them",
    assumes: "what a standby does with connections differs by site; by the manual it does not accept them",
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
    sees:
      "the standby instance keeps connections open and sends nothing, for the duration or until the fault is " +
      "removed; without the fault it accepts and closes them",
    assumes:
      "what a standby does with connections differs by site; connections that it kept get no answers after it " +
      "takes over",
    event: ({ standby }, firing) => {
      standby("accepts", firing);
    },
    arrival: ({ events }, firing) => {
      events.standby("accepts", firing);
      return "go on";
    },
  },
  stale: {
    sees: "the record's handle expires before the request: 410, Warning 112",
    assumes: "the record then has status 4, Stale, and call result 46, as after the stale timeout",
    fits: (world, subject) => openHandleOf(world, subject) !== undefined,
    arrival: ({ world, subject }) => {
      world.db.transaction(() => {
        expireHandle(world, openHandleOf(world, subject())!);
      });
      return "go on";
    },
  },
  status: {
    value: status,
    sees: "OCS's negative answer with that status, with its body and Warning; OCS did not carry the request out",
    assumes:
      `statuses that the resource's table lacks are answered with Warning ${NEGATIVE_ANSWERS["not-found"].warning} ` +
      `and ${NEGATIVE_ANSWERS.conflict.warning}`,
    arrival: ({ subject }, { value }) => answerTo(CONDITION_OF[value as NegativeStatus](subject().action?.resource)),
  },
  "db-down": {
    sees: "AddRecord on lists answers 409, Warning 9014, where it would have succeeded; all other actions work",
    assumes: "without DB Server OCS carries out all other actions from memory",
    fits: (_, { action }) => action?.resource === "lists",
  },
  "close-idle": {
    sees: "idle connections are closed (FIN): all at once or, when requests are selected, each after its answer",
    assumes: "by the manual OCS closes connections only when it becomes backup or the network fails",
    event: ({ closeIdle }) => {
      closeIdle();
    },
    answer: (at) => {
      at.finishAfterwards();
      return "go on";
    },
  },
  "reject-second": {
    sees:
      "a second request before the first answer is rejected: OCS answers the first one and closes the connection " +
      "(FIN); without the fault it resets the connection at once",
    assumes: "no source says what OCS does with a second request",
  },
  slow: {
    value: duration,
    sees: "the answer is late; OCS carried the request out at once",
    answer: async (at, firing) => ((await at.wait(firing)) === "gone" ? "over" : "go on"),
  },
  "lost-reply": {
    sees: "OCS carries the request out and commits it, then resets the connection (RST) without an answer",
    answer: (at) => {
      at.reset();
      return "over";
    },
  },
  truncate: {
    value: bytes,
    sees: "OCS carries the request out; its answer is cut after so many bytes and the connection is closed (FIN)",
    answer: (at, { value }, whole) => {
      at.write(whole.subarray(0, value));
      at.finish();
      return "over";
    },
  },
  garbage: {
    sees: "OCS carries the request out and sends bytes that are not HTTP; the connection stays open",
    answer: (at) => {
      at.write(GARBAGE);
      return "over";
    },
  },
  "surplus-bytes": {
    value: optional(duration),
    sees: "the answer is correct, and a second, unrequested 200 follows it, at once or after the delay",
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
    sees: "new HTTPS connections get a certificate for the right names from a different authority",
  },
} as const satisfies Record<string, Kind>;

export type FaultKind = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as FaultKind[];
export const kindOf = (name: FaultKind): Kind => KINDS[name];
