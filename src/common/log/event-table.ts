/** Every event that the gateway logs, one row each. The page src/docs/reference/log-events.md is generated from it. */
import { CHECKPOINT_EVENTS } from "./rows/checkpoints.ts";
import { CLUSTER_EVENTS } from "./rows/cluster.ts";
import { CONFIG_EVENTS } from "./rows/config.ts";
import { FORWARD_EVENTS } from "./rows/forward.ts";
import { IDENTITY_EVENTS } from "./rows/identity.ts";
import { JOURNAL_EVENTS } from "./rows/journal.ts";
import { OUTBOX_EVENTS } from "./rows/outbox.ts";
import { PROCESS_EVENTS } from "./rows/process.ts";
import { TELEMETRY_EVENTS } from "./rows/telemetry.ts";
import { UPSTREAM_EVENTS } from "./rows/upstream.ts";
import type { EventRows } from "./event-row.ts";

export const EVENTS = {
  ...PROCESS_EVENTS,
  ...CONFIG_EVENTS,
  ...IDENTITY_EVENTS,
  ...UPSTREAM_EVENTS,
  ...OUTBOX_EVENTS,
  ...JOURNAL_EVENTS,
  ...CHECKPOINT_EVENTS,
  ...FORWARD_EVENTS,
  ...TELEMETRY_EVENTS,
  ...CLUSTER_EVENTS,
} as const;

/** The rows by subject, in the order of the page. */
export const SUBJECTS: readonly (readonly [subject: string, rows: EventRows])[] = [
  ["Process and connections", PROCESS_EVENTS],
  ["Config, reload and standby", CONFIG_EVENTS],
  ["Credentials and revocations", IDENTITY_EVENTS],
  ["OCS, record handles and callbacks", UPSTREAM_EVENTS],
  ["Outbox", OUTBOX_EVENTS],
  ["Journal", JOURNAL_EVENTS],
  ["Checkpoints, witnesses and timestamps", CHECKPOINT_EVENTS],
  ["Forwarding", FORWARD_EVENTS],
  ["OpenTelemetry", TELEMETRY_EVENTS],
  ["Shared database", CLUSTER_EVENTS],
];
