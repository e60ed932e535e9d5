/** Events of the process: start and end, systemd, client connections, the log itself. */
import { error, list, number, optional, text, type EventRows } from "../event-row.ts";

export const PROCESS_EVENTS = {
  listening: {
    level: "info",
    message: "Listener {listener} accepts connections at {address}",
    fields: {
      listener: text("the listener's name"),
      address: text("its address"),
      socket: optional(text("present when systemd opened the socket; systemd keeps it open when the gateway stops")),
    },
  },
  stopping: {
    level: "info",
    message: "Stopping ({reason}): the gateway finishes the requests in flight",
    fields: { reason: text("what asked the gateway to stop") },
  },
  stopped: { level: "info", message: "The gateway has stopped", fields: {} },
  signalIgnored: {
    level: "warn",
    message: "The gateway ignored the signal {signal} and runs on as before",
    action: "Send SIGHUP to reload the config, or SIGTERM to stop the gateway",
    fields: { signal: text("the signal's name") },
  },
  systemdNotifyFailed: {
    level: "error",
    message: "The gateway works, but could not report its state to systemd: {error}",
    action:
      "With Type=notify systemd ends the gateway as a failed start, unless this is corrected: install the program " +
      "systemd-notify so that the service's user can run it, and set NotifyAccess=all in the unit. The gateway does " +
      "not repeat this line",
    fields: { error: error("why systemd-notify failed") },
  },
  systemdSocketsForOtherProcess: {
    level: "warn",
    message:
      "systemd passed its sockets to process {owner} (LISTEN_PID), not to this process ({own}); the gateway tries " +
      "to open its addresses itself, which fails while systemd holds them",
    action: "Let ExecStart= start node directly, without a wrapper, and start the service again",
    fields: { owner: number("the process id in LISTEN_PID"), own: number("the gateway's process id") },
  },
  operatorWarning: {
    level: "warn",
    message: "Warning: {warning}",
    action:
      "The gateway logs this at its start and every hour while it applies; ocsgw status -c FILE shows all warnings",
    fields: { warning: text("what needs attention") },
  },
  connectionLimitReached: {
    level: "warn",
    message:
      "Listener {listener} closed a new connection from {source}, because the listener's {limit} is reached; open " +
      "connections are served as usual",
    action:
      "Find out what opens so many connections. If the clients are legitimate, raise the limit in the config; if " +
      "ocsgw check -c FILE warns of OCSGW-6318, raise LimitNOFILE in the unit instead. All clients of a proxy count " +
      "as one source, unless listeners[].trusted_proxies names it and it sends PROXY headers. At most one such line " +
      "is logged per second",
    fields: {
      listener: text("the listener's name"),
      limit: text("the config key of the limit: max_connections or max_connections_per_source"),
      source: text("the client's address"),
    },
  },
  plainHttpOnTlsPort: {
    level: "warn",
    message: "A client at {source} sent plain HTTP to listener {listener}, which expects TLS, and got 400",
    action:
      "Correct the client, or the health check of a load balancer: its URL must begin with https://. Other clients " +
      "are not affected. At most one such line is logged per minute and listener",
    fields: {
      listener: text("the listener's name"),
      source: text("the client's address"),
      suppressed: optional(number("such connections since the last line that were not logged")),
    },
  },
  logLevelUnknown: {
    level: "warn",
    message: "OCSGW_LOG={value} is not a log level; the gateway uses info",
    action: "Set it to one of {levels}",
    fields: { value: text("the value of OCSGW_LOG"), levels: list("the log levels") },
  },
  logLinesDropped: {
    level: "warn",
    message:
      "{lines} log lines were dropped, because stderr was not read in time; requests and the journal are not affected",
    action: "Check what reads the gateway's stderr: a full pipe, a halted terminal or a full disk",
    fields: { lines: number("how many lines were dropped") },
  },
  flowStreamEnded: {
    level: "warn",
    message:
      "The gateway closed the live view of requests that {source} had open ({reason}): {detail}. Requests are served " +
      "as usual",
    action:
      "ocsgw flows and the console connect again and continue there. If it repeats: a slow viewer needs a filter or " +
      "a faster connection; failed means that the journal cannot be read, so check the disk of audit.dir",
    fields: {
      source: text("the viewer's address"),
      reason: text("slow or failed"),
      detail: text("what happened"),
    },
  },
  flowStreamsShed: {
    level: "warn",
    message:
      "Overloaded for 5 s (the CPU was busy all the time, or journal entries waited over 1 s for the disk): requests " +
      "may be slow. The gateway closed {streams} live views (ocsgw flows, the console), so that requests come first",
    action:
      "Find out what uses the CPU or the disk: ocsgw status -c FILE, and the metric ocsgw_journal_lag_seconds. The " +
      "gateway accepts live views again after 30 s",
    fields: { streams: number("how many streams") },
  },
  internalError: {
    level: "error",
    message:
      "Internal error while the gateway handled request {id}: the client got status 500, or its connection was " +
      "closed. If it was a client's request, OCS may have carried it out",
    action:
      "ocsgw explain -c FILE {id} shows how far a client's request got (requests to the admin listener and callbacks " +
      "are not there). Report this line, with its stack, to the maintainers",
    fields: { id: text("the request id"), error: error("the error and where it was thrown") },
  },
} as const satisfies EventRows;
