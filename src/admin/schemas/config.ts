/** Outcomes of a reload, and revocations. */
import { z } from "zod";
import { count, texts, time } from "./basics.ts";

const place = { line: count(), column: count() };

export const Problem = z
  .strictObject({
    severity: z.enum(["error", "warning"]),
    code: z.string(),
    file: z.string(),
    ...place,
    path: z.string().describe("For example tenants[0].clients.alpha-ops; empty for the file itself"),
    message: z.string(),
    help: z.string().optional(),
    also: z.strictObject({ ...place, file: z.string().optional(), message: z.string() }).optional(),
  })
  .meta({ id: "ConfigProblem" });

const applied = {
  at: time(),
  by: z.enum(["reload", "SIGHUP", "watcher"]),
  before: z.string(),
  hash: z.string(),
  changes: texts().describe("One sentence each"),
};

export const Reloaded = z
  .discriminatedUnion("outcome", [
    z.strictObject({
      outcome: z.literal("unchanged"),
      hash: z.string(),
      applied: z.strictObject(applied).optional().describe("The last reload that came into force since the start"),
    }),
    z.strictObject({ outcome: z.literal("reloaded"), warnings: z.array(Problem), ...applied }),
    z.strictObject({
      outcome: z.literal("valid"),
      before: z.string(),
      hash: z.string(),
      changes: texts(),
      warnings: z.array(Problem),
    }),
    z.strictObject({
      outcome: z.literal("waiting"),
      before: z.string(),
      hash: z.string(),
      removes: texts().describe("What the files remove: they may be incomplete, so the reload waits"),
    }),
  ])
  .meta({ id: "Reloaded" });

export const ReloadRefused = z
  .strictObject({
    outcome: z.literal("refused"),
    before: z.string().describe("The config that stays in force"),
    hash: z.string(),
    problems: z.array(Problem),
  })
  .meta({ id: "ReloadRefused" });

const revoked = {
  kind: z.enum(["token", "key", "certificate", "client"]),
  id: z.string(),
};

const UNTIL = "expected a time in UTC, for example 2026-11-22T12:00:00Z";

export const RevocationRequest = z
  .strictObject({
    kind: revoked.kind,
    id: z.string().min(1, "expected a text that is not empty").max(256).describe("Of a certificate: its SHA-256"),
    lifted: z.boolean().optional().describe("Reinstates the credential"),
    until: z.iso.datetime(UNTIL).nullish().describe("When the revocation expires; null or missing: never"),
  })
  .meta({ id: "RevocationRequest" });

export const Revocation = z
  .strictObject({
    ...revoked,
    lifted: z.boolean().describe("The credential is reinstated"),
    until: z.string().nullable(),
    kept: z.boolean().describe("On disk, so that it outlasts the process"),
    journalled: z.boolean().describe("In the journal"),
    shared: z
      .strictObject({
        trouble: z.string().nullable().describe("Why the shared database does not have it; null: it has it"),
        nodes: z
          .array(
            z.strictObject({
              node: z.string(),
              state: z
                .enum(["applied", "waiting", "dead", "stopped"])
                .describe("waiting: it runs and has not applied it yet. dead, stopped: it applies it when it starts"),
            }),
          )
          .describe("How far it has come on the other gateways, after at most a second"),
      })
      .optional()
      .describe("Missing if no other gateway shares a database with this one"),
  })
  .meta({ id: "Revocation" });
