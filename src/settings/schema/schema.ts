/**
 * The config file, key by key: default and explanation stand beside each other and nowhere else. `check --explain`, the JSON Schema
 * for editors and the defaults all come from here. To add a setting, add a line to its section.
 *
 * Needed: names, addresses, paths and secrets. What may be left out although it holds such: `identity.jwt`, `identity.mtls` and
 * `identity.keys` (one of them must stand), and everything that is described as off when left out. `tls` is always stated, `none` included.
 */
import { z } from "zod";
import { endMarker } from "./end-marker.ts";
import { admin, audit } from "./schema-audit.ts";
import { config } from "./schema-config.ts";
import { identity } from "./schema-identity.ts";
import { listener } from "./schema-listeners.ts";
import { tenant } from "./schema-tenants.ts";
import { policyTest } from "./schema-tests.ts";
import { upstream } from "./schema-upstreams.ts";
import { label, LONGEST_WAIT_MS, durationOrNone, off } from "./units.ts";

const expected = (what: string): { error: string } => ({ error: `expected ${what}` });

const drain = z.strictObject({
  delay: durationOrNone
    .refine((ms) => ms <= LONGEST_WAIT_MS, expected("a duration of 24d at most"))
    .meta({ "x-kind": "duration" })
    .prefault("0s")
    .describe(
      "For so long after SIGTERM /readyz says draining and nothing else changes: " +
        "time for load balancers to send requests elsewhere.",
    ),
});

export const settingsSchema = z.strictObject({
  version: z.literal(1, expected("1, the version of this format")).default(1).describe("The version of this format."),
  listeners: z
    .array(listener, expected("a list of listeners"))
    .min(1, expected("at least one listener"))
    .describe("Where clients connect."),
  identity: identity.prefault({}).describe("How a client proves who it is. At least one of jwt, mtls and keys."),
  upstreams: z
    .record(label, upstream, expected("a map from a name to an upstream"))
    .refine((map) => Object.keys(map).length > 0, expected("at least one upstream"))
    .describe("The OCS pairs, by a name of your own."),
  tenants: z
    .array(tenant, expected("a list of tenants"))
    .refine((list) => list.length > 0, expected("at least one tenant"))
    .describe("Who may do what, and what belongs to whom; those in tenants.d/*.yaml follow."),
  tests: z
    .array(policyTest, expected("a list of examples"))
    .default([])
    .describe("Examples of what the policy says. check and every reload hold the policy to them."),
  audit: audit.describe("The journal."),
  admin: off(admin).describe("Health, metrics and the console, on a listener of their own. Off when left out."),
  drain: drain.prefault({}).describe("How the gateway stops. ocsgw check says how long that takes at most."),
  config: config.prefault({}).describe("How changes of files come into force."),
  end: endMarker.optional().describe("true, as the last key: the file is complete."),
});

type DeepReadonly<Value> = Value extends object ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> } : Value;

/** What the parts read. Durations in milliseconds, sizes in bytes, paths absolute, null for what is off. */
export type Settings = DeepReadonly<z.output<typeof settingsSchema>>;
export type TenantSettings = Settings["tenants"][number];
export type UpstreamSettings = Settings["upstreams"][string];
export type CallbacksSettings = NonNullable<UpstreamSettings["callbacks"]>;
export type ListenerSettings = Settings["listeners"][number];
export type LimitSettings = NonNullable<NonNullable<TenantSettings["limits"]>["requests"]>;
