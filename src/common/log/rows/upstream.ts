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
    action: "Check OCS, the network and the firewall; the gateway keeps trying and recovers by itself",
    fields: { upstream },
  },
  switchover: {
    level: "warn",
    message:
      "Switchover at upstream {upstream}: OCS {to} is active now, not {from} ({reason}); requests with record " +
      "handles of {from} get 410 OCSGW-2106",
    action:
      "Find out why OCS {from} is no longer active. Registrars must register their handles again; a Do-Not-Call by " +
      "phone number or customer id works as before",
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
      "A new epoch began at upstream {upstream} ({reason}): requests with earlier record handles get 410 OCSGW-2106",
    action:
      "If OCS was not restarted on purpose, find out why it restarted. Registrars must register their handles again; " +
      "a Do-Not-Call by phone number or customer id works as before",
    fields: { upstream, epoch, reason: text("what proved it") },
  },
  reconnected: {
    level: "warn",
    message:
      "Reconnected to OCS {endpoint} after losing every connection; requests with earlier record handles get 503 " +
      "OCSGW-5103 until OCS announces a record or a registrar registers the handle again",
    action: "If it repeats, check OCS and the network between the gateway and OCS; other requests are served as usual",
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
      "Check that OCS before the active one fails. If it is healthy and this is normal at your site, set " +
      "upstreams.{upstream}.standby to accepts, closes (accepts and closes) or refuses",
    fields: standby,
  },
  noAnswer: {
    level: "warn",
    message:
      "Request {id} was sent to OCS and got no complete answer after {ms} ms; OCS may have carried it out, and the " +
      "client got {code}",
    action:
      "ocsgw explain -c FILE {id} shows what happened, and whether the client may repeat it; if there are many, " +
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
    action: "ocsgw audit search -c FILE kind:alarm shows the details",
    fields: {
      reason: text("what happened"),
      upstream,
      tenant: optional(text("the tenant's name")),
      suppressed: optional(number("such alarms since the last line that were not logged; the journal has each")),
    },
  },
  callbackCertRejected: {
    level: "error",
    message:
      "The new certificate for callbacks of upstream {upstream} cannot be used: {error}; the previous one stays in use",
    action:
      "ocsgw check -c FILE shows what is wrong; correct the certificate or its key, then run ocsgw reload -c FILE",
    fields: { upstream, error: error("what is wrong with it") },
  },
  ownershipDbCorrupt: {
    level: "error",
    message:
      "The ownership database is corrupt and was moved to {file}; requests with earlier record handles get 503 " +
      "OCSGW-5103 until OCS announces them, or a registrar registers them, again",
    action: "Check the disk; requests by phone number or customer id are served as usual",
    fields: { file: text("where the corrupt file is now") },
  },
} as const satisfies EventRows;
