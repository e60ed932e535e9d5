/** The embedded OCS of `ocsgw sandbox`. Phone numbers, customer ids and user fields are masked. */
import { z } from "zod";
import { count, texts, time } from "./basics.ts";

const ocsTime = () => time().describe("RFC 3339, UTC, by the clock of the embedded OCS");
const flow = () => z.string().describe("Id of the gateway's request; `GET /api/flows/{id}` has it");

export const Instance = z.enum(["primary", "backup"]);

const GroupState = z.enum(["notLoaded", "active", "running", "waitingUnload", "unloadInProgress"]);
export type GroupState = z.infer<typeof GroupState>;

export const SandboxGroup = z
  .strictObject({
    dbid: z.int(),
    name: z.string(),
    tenant: z.string(),
    state: GroupState,
    dial_mode: z.string().nullable(),
    open_handles: count(),
    requests: z
      .array(
        z.strictObject({
          request: z.string().describe("A value of req"),
          to: GroupState.nullable().describe("The state after it; null: OCS refuses it"),
          status: z.int().describe("OCS's answer"),
          warning: z.int().nullable(),
        }),
      )
      .describe("What each request would do now"),
    automatic: z
      .strictObject({ to: GroupState, when: z.enum(["no-handles", "unload-delay", "no-records"]) })
      .nullable()
      .describe("The transition that needs no request"),
  })
  .meta({ id: "SandboxGroup" });
export type SandboxGroup = z.infer<typeof SandboxGroup>;

export const SandboxFault = z
  .strictObject({
    id: z.string(),
    kind: z.string(),
    value: z.union([z.string(), z.number()]).optional(),
    action: z.string().optional(),
    tenant: z.string().optional(),
    count: count().optional(),
    remaining: count().optional(),
    probability: z.number().optional(),
    seed: z.int().optional(),
    for: z.string().optional(),
    state: z.enum(["on", "spent", "over"]).describe("spent: it has hit count times; over: its time is over"),
    fired: count().describe("How often it has hit"),
    firings: z
      .array(
        z.strictObject({
          time: ocsTime(),
          instance: Instance.optional(),
          connection: z.int().optional(),
          action: z.string().optional(),
          tenant: z.string().optional(),
          flow: flow().optional(),
        }),
      )
      .describe("The last hits, the newest first"),
  })
  .meta({ id: "SandboxFault" });
export type SandboxFault = z.infer<typeof SandboxFault>;

const Announcement = z.strictObject({
  number: z.int(),
  time: ocsTime(),
  cause: z.enum(["dialing", "again"]).describe("again: no question, but what the validation-uri must know"),
  tenant: z.string(),
  list: z.string(),
  handle: z.int(),
  phone: z.string(),
  decision: z
    .enum(["waiting", "dial", "stop", "later", "noted"])
    .describe("later: no answer, so the record is put back. noted: an answer to again"),
  because: z.string().nullable(),
});

export const SandboxState = z
  .strictObject({
    now: ocsTime(),
    ahead: z.number().describe("Milliseconds by which that clock is ahead of the machine's"),
    active: Instance.describe("The instance with the role primary"),
    answers: z.boolean().describe("False: neither instance answers at the moment"),
    run: z.int().describe("Grows with each switchover; record handles are valid within a run"),
    instances: z.array(
      z.strictObject({
        instance: Instance,
        http: z.string(),
        https: z.string(),
        connections: count().describe("Open ones"),
        requests: count(),
        violations: count().describe("Bytes that came before the answer to the request before"),
      }),
    ),
    groups: z.array(SandboxGroup),
    lists: z.array(
      z.strictObject({
        dbid: z.int(),
        name: z.string(),
        tenant: z.string(),
        dialed_by: z.int().nullable().describe("DBID of the running campaign group that dials it"),
        records: count(),
        by_status: z.array(z.strictObject({ status: z.string(), count: count() })),
      }),
    ),
    handles: z.strictObject({
      open: count().describe("Records that were retrieved and that no request has finalized"),
      stale_after: count().describe("Milliseconds"),
      oldest: z.array(
        z.strictObject({
          handle: z.int(),
          tenant: z.string(),
          list: z.string(),
          group: z.int(),
          phone: z.string(),
          since: ocsTime(),
          stale_at: ocsTime(),
        }),
      ),
    }),
    dialer: z.strictObject({
      rate: z.number().describe("Records per second; 0: off"),
      lists: texts().describe("Those that running campaign groups dial"),
      validation_uri: z.string().nullable().describe("Where OCS announces each record before it dials"),
      history_uri: z.string().nullable().describe("Where OCS posts call reports"),
      announcements: z.array(Announcement).describe("The last ones, the newest first"),
    }),
    faults: z.array(SandboxFault).describe("The oldest first"),
    control: z.string().describe("Address of the control API, which `ocsgw sandbox` commands use"),
    examples: z
      .strictObject({
        through: z.string().describe("A request through the gateway"),
        past: z.string().describe("The same request, sent to OCS past the gateway"),
      })
      .describe("Commands to try"),
  })
  .meta({ id: "SandboxState" });
export type SandboxState = z.infer<typeof SandboxState>;

export const SandboxFaultKinds = z
  .strictObject({
    kinds: z.array(
      z.strictObject({
        kind: z.string(),
        sees: z.string().describe("What a client of OCS sees"),
        assumes: z.string().nullable().describe("What is assumed about OCS"),
        value: z.strictObject({ expected: z.string(), optional: z.boolean() }).nullable(),
        selects: z
          .enum(["requests", "connections"])
          .describe("What action and tenant select; connections have neither"),
        at_once: z
          .boolean()
          .describe("Happens when it is added, unless action, tenant, count or probability select requests"),
      }),
    ),
    actions: texts(),
    tenants: texts(),
  })
  .meta({ id: "SandboxFaultKinds" });
export type SandboxFaultKinds = z.infer<typeof SandboxFaultKinds>;

export const SandboxRecords = z
  .strictObject({
    dbid: z.int(),
    name: z.string(),
    tenant: z.string(),
    total: count(),
    offset: count(),
    records: z
      .array(
        z.strictObject({
          record: z.int(),
          chain: z.int(),
          place: count().describe("In the chain, from 0"),
          phone: z.string(),
          customer: z.string().nullable(),
          type: z.string(),
          status: z.string(),
          result: z.string().nullable(),
          attempts: count(),
          handle: z.int().nullable().describe("The open record handle"),
          scheduled: time().nullable(),
          from: z.string(),
          till: z.string(),
          zone: z.string(),
        }),
      )
      .describe("By chain and place"),
  })
  .meta({ id: "SandboxRecords" });
export type SandboxRecords = z.infer<typeof SandboxRecords>;

export const SandboxRequests = z
  .strictObject({
    now: ocsTime(),
    total: count().describe("Requests that OCS has read since its start or its last reset"),
    past_gateway: count().describe("Those in requests that this gateway did not send"),
    requests: z
      .array(
        z.strictObject({
          number: z.int(),
          time: ocsTime(),
          instance: Instance,
          connection: z.int(),
          method: z.string(),
          target: z.string(),
          body: z.string().nullable(),
          user_agent: z.string().nullable(),
          action: z.string().nullable(),
          tenant: z.string().nullable().describe("As OCS understood the request"),
          state: z
            .enum(["waiting", "done", "cut"])
            .describe("waiting: not answered yet. cut: a fault ended it before OCS did anything"),
          status: z.int().nullable(),
          faults: texts().describe("Ids of the faults that hit it"),
          flow: flow().nullable(),
        }),
      )
      .describe("The last 100, the newest first"),
  })
  .meta({ id: "SandboxRequests" });
export type SandboxRequests = z.infer<typeof SandboxRequests>;
