/**
 * All keys of the config file with defaults and explanations. `check --explain` and the JSON Schema for editors are
 * generated from this schema. To add a setting, add a line to its section.
 *
 * Names, addresses, paths and secrets are required. Exceptions: `identity.jwt`, `identity.mtls` and `identity.keys`
 * (one of them is required), and every key whose explanation says "Default: off". `tls` is always required, `none`
 * included.
 */
import { z } from "zod";
import { endMarker } from "../files/end-marker.ts";
import { admin } from "./admin.ts";
import { audit } from "./audit.ts";
import { config } from "./config.ts";
import { identity } from "./identity.ts";
import { listener } from "./listeners.ts";
import { telemetry } from "./receivers/telemetry.ts";
import { shared } from "./shared.ts";
import { tenant } from "./tenants.ts";
import { policyTest } from "./tests.ts";
import { upstream } from "./upstreams.ts";
import { duration, label, LONGEST_WAIT_MS, durationOrNone, off } from "./units.ts";

const expected = (what: string): { error: string } => ({ error: `expected ${what}` });

const drain = z.strictObject({
  delay: durationOrNone
    .refine((ms) => ms <= LONGEST_WAIT_MS, expected("a duration of 24d at most"))
    .meta({ "x-kind": "duration" })
    .prefault("0s")
    .describe(
      "How long after SIGTERM only /readyz changes (to draining), so that load balancers can send requests " +
        "elsewhere before the gateway closes anything.",
    ),
});

const outbox = z.strictObject({
  give_up: duration
    .prefault("24h")
    .describe(
      "How long the gateway tries to deliver a Do-Not-Call that it has accepted with 202 (Prefer: respond-async). " +
        "Then it raises an alarm, which stays open until a person closes it.",
    ),
  max: z
    .int(expected("a whole number"))
    .min(1, expected("1 or more"))
    .max(100_000, expected("100000 or less"))
    .default(10_000)
    .describe(
      "How many accepted Do-Not-Calls of one tenant may wait for OCS, open alarms included; further ones are refused.",
    ),
});

export const settingsSchema = z.strictObject({
  version: z.literal(1, expected("1, the version of this format")).default(1).describe("Version of the config format."),
  listeners: z
    .array(listener, expected("a list of listeners"))
    .min(1, expected("at least one listener"))
    .describe("Addresses where clients connect."),
  identity: identity.prefault({}).describe("How clients authenticate. At least one of jwt, mtls and keys is required."),
  upstreams: z
    .record(label, upstream, expected("a map from a name to an upstream"))
    .refine((map) => Object.keys(map).length > 0, expected("at least one upstream"))
    .describe("OCS servers or pairs, each under a name of your choice."),
  tenants: z
    .array(tenant, expected("a list of tenants"))
    .refine((list) => list.length > 0, expected("at least one tenant"))
    .describe("Tenants, with their clients and what belongs to them. Tenants in tenants.d/*.yaml are added."),
  audit: audit.describe("The journal."),
  admin: off(admin).describe("Admin listener for health, metrics and the admin API. Default: off."),
  node: off(label).describe(
    "Name of this gateway among those that share a database. Default: the host name. No two running gateways may " +
      "have the same.",
  ),
  shared: off(shared).describe(
    "PostgreSQL database that several gateways in front of the same OCS share. Default: off, one gateway alone.",
  ),
  telemetry: telemetry.prefault({}).describe("OpenTelemetry: traces and logs for a collector."),
  outbox: outbox.prefault({}).describe("Do-Not-Calls that the gateway accepts with 202 and delivers by itself."),
  drain: drain.prefault({}).describe("How the gateway stops. ocsgw check shows how long that takes at most."),
  config: config.prefault({}).describe("How the gateway takes changes of files."),
  tests: z
    .array(policyTest, expected("a list of policy tests"))
    .default([])
    .describe(
      "Policy tests: requests with the expected decision. check and every reload fail when a decision differs.",
    ),
  end: endMarker.optional().describe("true, as the last key of the file: the file is complete."),
});

type DeepReadonly<Value> = Value extends object ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> } : Value;

/** The loaded config. Durations are in milliseconds, sizes in bytes, paths absolute; null means off. */
export type Settings = DeepReadonly<z.output<typeof settingsSchema>>;
export type TenantSettings = Settings["tenants"][number];
export type UpstreamSettings = Settings["upstreams"][string];
export type CallbacksSettings = NonNullable<UpstreamSettings["callbacks"]>;
export type ListenerSettings = Settings["listeners"][number];
export type LimitSettings = NonNullable<NonNullable<TenantSettings["limits"]>["requests"]>;
