/** Events of OCS: connections and switchovers, requests without an answer, callbacks and record handles. */
import { error, number, optional, text, type EventRows } from "../event-row.ts";

const upstream = text("the upstream's name in the config");
const endpoint = text("the OCS's address");
const epoch = number("the number of the new epoch of record handles");
const standby = {
  upstream,
  endpoint,
  seen: text("what the last probe saw: accepts, accepts and closes, refuses, silent or fails TLS"),
  detail: optional(text("the fault of the connection")),
  expected: optional(text("what a healthy standby shows")),
} as const;
const unanswered = {
  upstream,
  tenant: text("the tenant's name"),
  code: text("the code of the reply: OCSGW-4101, OCSGW-4102 or OCSGW-4103"),
} as const;

export const UPSTREAM_EVENTS = {
  upstreamDown: {
    level: "error",
    message: "No OCS of upstream {upstream} accepts a connection, so its tenants' requests get 503 OCSGW-4001",
    action:
      "Run ocsgw check -c FILE --connect, which says why; then check OCS, its certificate, the network and the " +
      "firewall. The gateway keeps trying, recovers by itself, and does not repeat this line; /readyz says while it " +
      "lasts",
    fields: { upstream },
  },
  switchover: {
    level: "warn",
    message:
      "Switchover at upstream {upstream}: OCS {to} is active now, not {from} ({reason}). Where handles need an " +
      "owner, requests with record handles of {from} get 410 OCSGW-2106; all others are served as usual",
    action:
      "Find out why OCS {from} is no longer active, unless it was switched on purpose. Registrars must register " +
      "their handles again",
    fields: {
      upstream,
      from: text("address of the OCS that was active"),
      to: text("address of the OCS that is active now"),
      epoch,
      reason: text("what the gateway saw"),
    },
  },
  epochStarted: {
    level: "warn",
    message:
      "A new epoch of record handles began at upstream {upstream} ({reason}). Requests with earlier handles get 410 " +
      "OCSGW-2106; all others are served as usual",
    action:
      "If OCS was not restarted on purpose, find out why it restarted. Registrars must register their handles again",
    fields: { upstream, epoch, reason: text("what proved it") },
  },
  reconnected: {
    level: "warn",
    message:
      "Reconnected to OCS {endpoint} after losing every connection. Where handles need an owner, requests " +
      "with earlier record handles get 503 OCSGW-5103 until OCS announces a record or a registrar registers the " +
      "handle again; all others are served as usual",
    action:
      "If it repeats, check OCS and the network between the gateway and OCS. Registrars must register their handles " +
      "again",
    fields: { upstream, endpoint, reason: text("why the connections were lost") },
  },
  standbyOcsHealthy: {
    level: "info",
    message: "The standby OCS {endpoint} of upstream {upstream} is healthy again",
    fields: standby,
  },
  standbyOcsUnhealthy: {
    level: "warn",
    message:
      "The standby OCS {endpoint} of upstream {upstream} looks unhealthy (probe: {seen}); requests are served as " +
      "usual, but it may fail to take over",
    action:
      "Check that OCS before the active one fails; ocsgw status -c FILE shows the fault of its connection. If it is " +
      "healthy and this is normal at your site, set upstreams.{upstream}.standby to accepts, closes (accepts and " +
      "closes) or refuses. The gateway probes it every minute and logs standbyOcsHealthy",
    fields: standby,
  },
  noAnswer: {
    level: "warn",
    message:
      "Request {id} was sent to OCS and got no complete answer after {ms} ms; OCS may have carried it out, and the " +
      "client got {code}",
    action:
      "ocsgw explain -c FILE {id} shows what happened, and whether the client may repeat it. If there are many, " +
      "check OCS and the network",
    fields: {
      id: text("the request id"),
      ...unanswered,
      action: optional(text("the OCS action")),
      lane: optional(text("the connection that was used")),
      ms: number("milliseconds since the request was sent"),
    },
  },
  noAnswersSuppressed: {
    level: "warn",
    message:
      "{left_out} more requests of tenant {tenant} got no complete answer ({code}) in the last 10 s and were not " +
      "logged one by one",
    action: "The journal has each of them: ocsgw audit search -c FILE code:{code}",
    fields: { ...unanswered, left_out: number("how many requests") },
  },
  alarm: {
    level: "warn",
    message: "Alarm: {reason}",
    action: "{advice}. ocsgw audit search -c FILE kind:alarm shows the details",
    fields: {
      reason: text("what happened"),
      advice: text("what it means for clients, and what to do"),
      upstream,
      tenant: optional(text("the tenant's name")),
      suppressed: optional(number("such alarms since the last line that were not logged; the journal has each")),
    },
  },
  callbackCertRejected: {
    level: "error",
    message:
      "The new certificate for callbacks of upstream {upstream} cannot be used: {error}. The previous one stays in " +
      "use, and OCS can announce records until it expires",
    action:
      "ocsgw check -c FILE shows what is wrong; correct the certificate or its key, then run ocsgw reload -c FILE",
    fields: { upstream, error: error("what is wrong with it") },
  },
  ownershipDbCorrupt: {
    level: "error",
    message:
      "The ownership database is corrupt and was moved to {file}; a new one is in use. Requests with earlier record " +
      "handles get 503 OCSGW-5103 until OCS announces them, or a registrar registers them, again; all others are " +
      "served as usual",
    action: "Check the disk. Registrars must register their handles again",
    fields: { file: text("where the corrupt file is now") },
  },
} as const satisfies EventRows;
