/** The replies of `/api/now`, `/api/tenants` and `/api/upstreams`. Times are RFC 3339, in UTC. */
import { z } from "zod";
import { Rollout } from "../schemas/status.ts";

const counts = z.array(z.number());
const maybe = z.array(z.number().nullable());
const time = z.string();

const CodeSeries = z.strictObject({
  code: z.string().nullable().describe("Null: all other codes together"),
  total: z.number(),
  counts,
});

export const Series = z.strictObject({
  step_s: z.number().describe("Seconds between two times"),
  times: counts.describe("The beginning of each step, in seconds since 1970"),
  seconds: counts.describe("How many seconds of the step were counted: fewer in the first and in the last one"),
  ok: counts,
  ocs_no: counts.describe("OCS refused"),
  refused: counts.describe("The gateway refused"),
  no_answer: counts.describe("Sent, and OCS gave no complete answer"),
  queue_p50_ms: maybe,
  queue_p95_ms: maybe,
  queue_p99_ms: maybe,
  ocs_p50_ms: maybe,
  ocs_p95_ms: maybe,
  lanes_used: counts.describe("Lanes in use at a time, on average"),
  dnc_asked: counts,
  dnc_confirmed: counts,
  dnc_open: maybe.describe("The highest number of open Do-Not-Calls in the step; null while unknown"),
  gone: counts.describe("Replies with status 410"),
  would_refuse: counts.describe("Requests of tenants in observe mode that enforcement would have refused"),
  codes: z.strictObject({
    refused: z.array(CodeSeries),
    no_answer: z.array(CodeSeries),
    would_refuse: z.array(CodeSeries),
  }),
});

export const Marker = z.strictObject({
  time,
  kind: z.enum(["start", "config", "switchover", "reconnected", "down", "fault"]),
  upstream: z.string().nullable(),
  text: z.string().describe("The new version, the config's hash and outcome, the address of OCS, or the fault"),
});

export const TenantName = z.strictObject({ dbid: z.number(), name: z.string() });

export const Rates = z
  .strictObject({ ok: z.number(), ocs_no: z.number(), refused: z.number(), no_answer: z.number() })
  .describe("Requests a second, over the last minute");

export const LOOK_KINDS = [
  "no-answer",
  "ocs-down",
  "open-dnc",
  "standby",
  "refusals",
  "checkpoint",
  "certificate",
  "warning",
] as const;

export const Look = z.strictObject({
  kind: z.enum(LOOK_KINDS),
  code: z.string().nullable(),
  title: z.string().nullable().describe("What the code means"),
  tenant: TenantName.nullable(),
  client: z.string().nullable().describe("Null also if the client had no valid credential"),
  upstream: z.string().nullable(),
  count: z.number().nullable(),
  since: time.nullable(),
  until: time.nullable().describe("When a certificate ends"),
  text: z.string().nullable().describe("A place in the config, an address, or a warning of /readyz"),
  filter: z.string().nullable().describe("A filter of flows that shows the requests"),
});

export const Lane = z.strictObject({
  name: z.string(),
  state: z.enum(["idle", "connecting", "busy", "ready"]),
  since_ms: z.number().describe("Time in this state"),
  endpoint: z.string().nullable(),
  tenant: TenantName.nullable(),
  request: z
    .strictObject({
      action: z.string(),
      resource: z.string(),
      identifier: z.string().nullable().describe("As the journal keeps it"),
    })
    .nullable(),
});

export const Waiting = z.strictObject({
  tenant: TenantName,
  waiting: z.number(),
  oldest_ms: z.number(),
});

const Standby = z.strictObject({
  seen: z.string(),
  expected: z.string().nullable(),
  healthy: z.boolean(),
  since_ms: z.number(),
});

const Endpoint = z.strictObject({
  endpoint: z.string(),
  role: z.enum(["primary", "backup"]),
  active: z.boolean(),
  up: z.boolean().describe("The active OCS accepts requests; never true for the standby"),
  standby: Standby.nullable(),
});

const Connections = z.strictObject({
  name: z.string(),
  up: z.boolean(),
  endpoints: z.array(Endpoint),
  lanes: z.array(Lane).describe("For a person of some tenants: the lanes of these tenants only"),
  waiting: z.array(Waiting),
});

const TenantRow = z.strictObject({
  dbid: z.number(),
  name: z.string(),
  upstream: z.string(),
  mode: z.enum(["enforce", "observe"]),
  rates: Rates,
  spark: counts.describe("Requests in each 2 minutes of the last 60, oldest first"),
  queue_p95_ms: z.number().nullable().describe("Of the last minute"),
  lanes_used: z.number().describe("Lanes in use at a time, on average over the last minute"),
  lanes_entitled: z
    .number()
    .nullable()
    .describe("Its part of the lanes by share, among the tenants active now; null for a person of some tenants"),
  lanes_max: z.number(),
  waiting: z.number(),
});

const Modes = z.strictObject({ enforce: z.number(), observe: z.number() }).describe("Tenants by mode");

export const Header = z.strictObject({
  modes: Modes,
  upstreams: z.array(Connections.pick({ name: true, endpoints: true })),
});

export const Now = z.strictObject({
  time,
  counted_since: time,
  modes: Modes,
  rates: Rates,
  queue_p95_ms: z.number().nullable().describe("Of the last minute"),
  no_answer_10m: z.number().describe("Requests without an answer in the last 10 minutes"),
  dnc_open: z.number().nullable().describe("Null while unknown"),
  series: Series,
  markers: z.array(Marker),
  upstreams: z.array(Connections),
  tenants: z.array(TenantRow).describe("At most 20, those with most requests first"),
  tenant_count: z.number(),
  look: z.array(Look),
});

export const Tenants = z.strictObject({
  time,
  rollout: Rollout,
  tenants: z.array(TenantRow),
  next: z.number().nullable().describe("The value of `after` for the next page"),
  count: z.number().describe("Tenants that match"),
});

const Limit = z.strictObject({
  name: z.string().describe("tenant, client NAME, an action, or urgent"),
  points: z.number().describe("Requests in a window"),
  window_s: z.number(),
  used: z.number().describe("The used part, from 0 to 1"),
});

export const Tenant = z.strictObject({
  time,
  counted_since: time,
  tenant: TenantRow.omit({ spark: true }).extend({
    records: z.string().describe("How the gateway knows the owner of a record handle"),
    share: z.number(),
  }),
  clients: z.array(z.strictObject({ name: z.string(), actions: z.array(z.string()) })),
  objects: z.strictObject({ campaigns: z.number(), campaign_groups: z.number(), lists: z.number() }),
  limits: z.array(Limit).describe("Those that were used since the last change of them"),
  queue: z.strictObject({
    waiting: z.number(),
    oldest_ms: z.number().nullable(),
    max: z.number().describe("Requests that may wait"),
    max_wait_ms: z.number(),
  }),
  lanes: z.array(Lane),
  dnc: z.strictObject({ open: z.number().nullable(), oldest_ms: z.number().nullable() }),
  probing_per_minute: z.number().describe("So many 410 in a minute raise an alarm"),
  series: Series,
  markers: z.array(Marker),
  look: z.array(Look),
});

export const Upstreams = z.strictObject({
  time,
  upstreams: z.array(
    Connections.extend({
      epoch: z.number().describe("The number of OCS's run; record handles of earlier ones are invalid"),
      connections: z.number(),
      lane_isolation: z.enum(["tenant", "none"]),
      queue: z.strictObject({ max: z.number(), max_wait_ms: z.number() }),
      switchovers: z
        .array(
          z.strictObject({
            time,
            from: z.string().nullable(),
            to: z.string().nullable(),
            epoch: z.number(),
            reason: z.string().nullable(),
          }),
        )
        .describe("The last 20 since the gateway started, newest first"),
      certificates: z.array(z.strictObject({ what: z.string(), ends: time, warn: z.boolean() })),
      series: Series.nullable().describe("Null for a person of some tenants"),
    }),
  ),
});

export type Series = z.infer<typeof Series>;
export type Marker = z.infer<typeof Marker>;
export type Rates = z.infer<typeof Rates>;
export type Look = z.infer<typeof Look>;
export type Lane = z.infer<typeof Lane>;
export type Waiting = z.infer<typeof Waiting>;
export type Connections = z.infer<typeof Connections>;
export type TenantRow = z.infer<typeof TenantRow>;
export type Header = z.infer<typeof Header>;
export type Now = z.infer<typeof Now>;
export type Tenants = z.infer<typeof Tenants>;
export type Tenant = z.infer<typeof Tenant>;
export type Upstreams = z.infer<typeof Upstreams>;
