/** The status. Members with a unit in their name are the ones to use; those without stay for existing clients. */
import { z } from "zod";
import { count, texts, time } from "./basics.ts";
import { STEPS } from "../now/rollout.ts";
import { UNITS } from "../status.ts";

/** A number with a unit, under both names. */
const measured = <Name extends keyof typeof UNITS, Schema extends z.ZodType>(name: Name, schema: Schema) =>
  ({ [name]: schema, [UNITS[name]]: schema }) as Record<Name | (typeof UNITS)[Name], Schema>;

const amount = () => z.number().min(0);
const perCode = () => z.array(z.strictObject({ code: z.string(), count: count() }));

const Standby = z.strictObject({
  seen: z.enum(["accepts", "accepts and closes", "refuses", "silent", "fails TLS"]),
  detail: z.string().optional(),
  ...measured("since", amount()),
  expected: z.enum(["closes", "refuses", "accepts"]).optional().describe("What a healthy standby does"),
  healthy: z.boolean(),
});

export const Upstream = z
  .strictObject({
    name: z.string(),
    epoch: count().describe("Increased by one after each takeover by the peer"),
    endpoints: z.array(
      z.strictObject({
        endpoint: z.string().describe("scheme://host:port"),
        role: z.enum(["primary", "backup"]),
        active: z.boolean().describe("Requests go to this one"),
        up: z.boolean().describe("The active OCS accepts requests; never true for the standby"),
        standby: Standby.optional(),
      }),
    ),
    lanes: z.array(
      z.strictObject({
        name: z.string(),
        endpoint: z.string().nullable(),
        state: z.enum(["idle", "connecting", "busy", "ready"]),
        tenant: z.string().optional(),
        dbid: z.int().optional(),
        request: z
          .strictObject({
            action: z.string(),
            resource: z.string(),
            identifier: z.string().nullable().describe("As the journal keeps it"),
          })
          .optional()
          .describe("The request in flight"),
        ...measured("since", amount()),
      }),
    ),
    queue: z.array(
      z.strictObject({
        tenant: z.string(),
        dbid: z.int(),
        waiting: count(),
        bytes: count(),
        ...measured("oldest", amount()),
      }),
    ),
  })
  .meta({ id: "Upstream" });

const Journal = z.strictObject({
  size: count().describe("Entries on disk"),
  segment: z.string().optional(),
  bytes: count().describe("Of the last segment"),
  failed: z.string().nullable().describe("Why the journal cannot be written"),
  failures: count(),
  waiting: count().describe("Entries that wait for the disk"),
  ...measured("lag", amount()),
  lost: count().describe("Entries that are not on disk and not yet stated in a gap"),
  lost_requests: count(),
  buffered: count(),
  torn: z.strictObject({ segment: z.string(), line: count(), index: count(), bytes: count() }).optional(),
  checkpoint: z.strictObject({ size: count(), ...measured("age", amount()) }),
  disk: z
    .strictObject({
      ...measured("journal", amount()),
      ...measured("free", amount()),
      ...measured("per_hour", z.number().nullable()),
      ...measured("full_in", z.number().nullable()),
    })
    .nullable(),
  verified: z.strictObject({ size: count(), ...measured("at", z.number()) }).nullable(),
  damage: texts().describe("One sentence for each part that does not match what was signed"),
  witnesses: z.array(
    z.strictObject({
      witness: z.string(),
      url: z.string(),
      size: count(),
      ...measured("age", amount().nullable()),
      trouble: z.string().nullable(),
    }),
  ),
  quorum: z.strictObject({ needed: count(), met: z.boolean(), size: count() }).nullable(),
  timestamp: z
    .strictObject({
      url: z.string(),
      last: z.strictObject({ size: count(), ...measured("time", z.number()), ...measured("age", amount()) }).nullable(),
      trouble: z.string().nullable(),
    })
    .nullable(),
});

export const Rollout = z
  .array(
    z.strictObject({
      step: z.enum(STEPS),
      state: z.enum(["done", "open", "cannot-tell"]),
      detail: z.string().describe("What the state rests on, or what to do next"),
    }),
  )
  .describe("The steps from recording to enforcing, in their order");

export const Status = z
  .strictObject({
    version: z.string(),
    ...measured("uptime", amount()),
    config_hash: z.string(),
    ready: z.boolean(),
    reasons: texts().describe("Why the gateway cannot serve"),
    warnings: texts().describe("Problems that do not stop the gateway from serving"),
    modes: z
      .strictObject({ enforce: count(), observe: count() })
      .describe("How many tenants enforce their policy, and how many only observe it"),
    rollout: Rollout,
    upstreams: z.array(Upstream),
    records: z.array(
      z.strictObject({ upstream: z.string(), tenant: z.string(), handles: count(), unconfirmed: count() }),
    ),
    journal: Journal,
    open_do_not_calls: z
      .array(z.strictObject({ tenant: z.string().nullable(), open: count(), ...measured("oldest", amount()) }))
      .nullable()
      .describe("Do-Not-Calls that OCS has not accepted; null while unknown"),
    outbox: z
      .array(z.strictObject({ tenant: z.string(), pending: count(), alarms: count(), ...measured("oldest", amount()) }))
      .describe("Accepted Do-Not-Calls that OCS has not carried out; alarms wait for a person"),
    requests: z.array(z.strictObject({ origin: z.string(), status_class: z.string(), count: count() })),
    refusals: z.array(
      z.strictObject({
        code: z.string(),
        count: count(),
        most: z.array(z.strictObject({ tenant: z.string(), count: count() })).describe("The tenants with most of them"),
      }),
    ),
    auth_failures: z.array(z.strictObject({ reason: z.string(), count: count() })),
    no_answers: perCode().describe("Requests that were sent and got no complete answer"),
  })
  .meta({ id: "Status" });
export type Status = z.infer<typeof Status>;

export const Alive = z.strictObject({ status: z.literal("ok") }).meta({ id: "Alive" });

export const Readiness = z
  .strictObject({
    status: z.enum(["ready", "not ready"]),
    reasons: texts().describe("Why the gateway cannot serve"),
    warnings: texts().optional().describe("Problems that do not stop the gateway from serving"),
  })
  .meta({ id: "Readiness" });

export const RetentionState = z
  .strictObject({
    clock: time().describe("The gateway's clock"),
    believed: z.boolean().describe("The clock has not jumped forward, or somebody confirmed it"),
    doubt: z.strictObject({ from: time(), to: time() }).nullable().describe("The times before and after the jump"),
    waits: z.string().nullable().describe("Why nothing is deleted although entries may be due"),
    next_look: z.number().describe("Milliseconds until the next retention run"),
    entries: count().describe("Entries in the journal"),
  })
  .meta({ id: "RetentionState" });
