/**
 * Proofs of isolation, which run in the background, one at a time: the policy tests of the config, and a matrix of
 * requests of each tenant for what is another one's, against an embedded OCS. Nothing is sent to OCS.
 */
import { z } from "zod";
import { PROVE_ISOLATION, type AccessRequest } from "../../../journal/access.ts";
import { accessBy, note, type AuditParts } from "../../audit-parts.ts";
import { jobStream } from "../../jobs/job-stream.ts";
import type { Job, Jobs } from "../../jobs/jobs.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { count, Tenant, texts } from "../../schemas/basics.ts";
import { JOB_MEMBERS, jobMembers, requirePurpose } from "./jobs.ts";
import { purpose, user } from "../parameters.ts";

export const PROOF_RESOURCES = [
  "phones",
  "customer_ids",
  "lists",
  "records",
  "campaigngroups",
  "clients",
  "journal",
  "limits",
  "connections",
] as const;
export type ProofResource = (typeof PROOF_RESOURCES)[number];

const resource = z.enum(PROOF_RESOURCES);
const part = () => z.strictObject({ tried: count(), of: count() });

const Pair = z.strictObject({
  from: count().describe("The place in tenants of the one whose client asks"),
  to: count().describe("The place of the one whose things are asked for"),
  cells: z.array(
    z.strictObject({
      resource,
      passed: count(),
      failed: count(),
      open: count().describe("Not separated by the config, and so not tried"),
    }),
  ),
});
export type ProofPair = z.infer<typeof Pair>;

const ProofFailure = z.strictObject({
  from: z.string().describe("The tenant whose client asked"),
  to: z.string(),
  resource,
  client: z
    .string()
    .nullable()
    .describe("A client of the config; null: one of the proof's own, which may do everything"),
  says: z.string().describe("How it was tried"),
  why: z.string().describe("Why the tenants are not separated"),
  request: z.string(),
  answer: z.string().nullable(),
});
export type ProofFailure = z.infer<typeof ProofFailure>;

const VERDICTS = ["ok", "broken", "cannot-tell"] as const;

export const ProofReport = z
  .strictObject({
    verdict: z
      .enum(VERDICTS)
      .describe("broken: something failed. cannot-tell: nothing failed, but something was missing that would prove it"),
    covers: z.strictObject({ tenants: part(), clients: part(), objects: part() }).describe("Of many, a random choice"),
    tenants: z.array(Tenant).describe("Those that were tried"),
    tests: z
      .strictObject({
        passed: count(),
        failed: z.array(
          z.strictObject({ client: z.string(), request: z.string(), expected: z.string(), decided: z.string() }),
        ),
      })
      .describe("The policy tests of the config"),
    requests: count(),
    pairs: z.array(Pair),
    failures: z.array(ProofFailure),
    more_failures: count().describe("Failures that are left out"),
    open: texts().describe("What the config does not separate"),
    untried: texts(),
    missing: texts().describe("Why a verdict is missing"),
    not_proved: texts(),
  })
  .meta({ id: "ProofReport" });
export type ProofReport = z.infer<typeof ProofReport>;

const RESULT_MEMBERS = {
  config_hash: z.string().describe("SHA-256 of the config that was in force"),
  gateway_version: z.string(),
  verdict: z.enum(VERDICTS).nullable().describe("Null until it is done"),
  digest: z.string().nullable().describe("SHA-256 of the file of the report, which the journal also has"),
};

const ProofRow = z.strictObject({
  ...JOB_MEMBERS,
  percent: count().describe("How much is done"),
  ...RESULT_MEMBERS,
});
export type ProofRow = z.infer<typeof ProofRow>;

export const Proof = z
  .strictObject({
    ...ProofRow.shape,
    report: ProofReport.nullable().describe("Null until it is done"),
    journaled: z
      .boolean()
      .nullable()
      .describe("Whether the journal has the digest of the report as it is now; null: not known, or not done"),
  })
  .meta({ id: "Proof" });
export type Proof = z.infer<typeof Proof>;

export const Proofs = z.strictObject({
  proofs: z.array(ProofRow),
  running: z.string().nullable().describe("The id of the one that runs"),
  config_hash: z.string().describe("SHA-256 of the config in force, to compare with those of the proofs"),
});
export type Proofs = z.infer<typeof Proofs>;

export type ProofAbout = Pick<ProofRow, "config_hash" | "gateway_version">;
/** `digest`: of the stored report. */
export type Proved = { readonly report: ProofReport; readonly digest: string };
export type ProofJobs = Jobs<ProofAbout, Proved>;

export type ProofParts = {
  readonly jobs: ProofJobs;
  /** The id of the proof that runs, or is about to run. */
  readonly running: () => string | undefined;
  /** To be called when none is running. Begins when `journaled` has resolved; rejects as it does. */
  readonly start: (
    by: Pick<AccessRequest, "user" | "role" | "purpose">,
    journaled: () => Promise<unknown>,
  ) => Promise<Job<ProofAbout, Proved>>;
  /** SHA-256 of the config in force. */
  readonly configHash: () => string;
  /** Those whose report is stored, newest first; also of earlier runs of the gateway. */
  readonly stored: () => Promise<readonly ProofRow[]>;
  /** As its file is now. */
  readonly find: (id: string) => Promise<(ProofRow & Proved) | undefined>;
};

type Deps = { readonly audit: AuditParts; readonly proofs: ProofParts };

const rowOf = (job: Job<ProofAbout, Proved>): ProofRow => ({
  ...jobMembers(job),
  percent: job.entries,
  ...job.about,
  verdict: job.result?.report.verdict ?? null,
  digest: job.result?.digest ?? null,
});

const shown = (job: Job<ProofAbout, Proved>): Proof => ({
  ...rowOf(job),
  report: job.result?.report ?? null,
  journaled: null,
});

const UNKNOWN = "there is no such proof; the last fifty reports are kept";
const unknown = () => json(404, { error: UNKNOWN });
const roles = ["auditor", "operator"] as const;
const PATH = "/api/isolation/proofs";

export const ISOLATION_PROOF_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "POST",
    path: PATH,
    summary: "Starts a proof that the config in force keeps its tenants apart, against an embedded OCS; one at a time",
    roles,
    scope: "whole-gateway",
    body: z.strictObject({ purpose: purpose(), user: user() }).optional(),
    reply: Proof,
    status: 202,
    others: {
      409: { when: "one is running already", body: z.strictObject({ error: z.string(), id: z.string() }) },
      503: "the access cannot be journaled",
    },
    answer: async ({ audit, proofs }: Deps, { viewer, body = {} }) => {
      requirePurpose(viewer, body.purpose);
      const by = { ...accessBy(viewer, body.user), ...(body.purpose !== undefined && { purpose: body.purpose }) };
      const id = proofs.running();
      if (id !== undefined) return json(409, { error: "a proof is running already; one runs at a time", id });
      const journaled = () => note(audit.record, { ...by, operation: PROVE_ISOLATION });
      return json(202, shown(await proofs.start(by, journaled)));
    },
  }),
  route({
    method: "GET",
    path: PATH,
    summary: "The proofs of isolation, newest first, without their reports",
    roles,
    scope: "whole-gateway",
    reply: Proofs,
    answer: async ({ proofs }: Deps) => {
      const stored = await proofs.stored();
      const known = new Set(stored.map(({ id }) => id));
      const others = proofs.jobs.list().filter(({ id }) => !known.has(id));
      const rows = [...others.map(rowOf), ...stored].toSorted((one, other) => (one.id < other.id ? 1 : -1));
      const [running, config_hash] = [proofs.running() ?? null, proofs.configHash()];
      return json(200, { proofs: rows, running, config_hash } satisfies Proofs);
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}`,
    summary: "One proof: its progress, and its report once it is done",
    roles,
    scope: "whole-gateway",
    reply: Proof,
    others: { 404: UNKNOWN },
    answer: async ({ audit, proofs }: Deps, { params: { id } }) => {
      const stored = await proofs.find(id);
      if (stored) return json(200, { ...stored, journaled: await isJournaled(audit, stored) } satisfies Proof);
      const job = proofs.jobs.get(id);
      return job ? json(200, shown(job)) : unknown();
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}/events`,
    summary: "The progress of a proof, as server-sent events, until it has ended",
    roles,
    scope: "whole-gateway",
    reply: {
      media: "text/event-stream",
      is: "Progress while it runs, then its end",
      events: { progress: Proof, end: Proof },
    },
    others: {
      404: "there is no such proof since the start of the gateway",
      503: "too many streams of progress are open",
    },
    answer: ({ proofs: { jobs } }: Deps, { params: { id }, gone }) =>
      jobs.get(id) ? jobStream(jobs, id, { gone, shown }) : unknown(),
  }),
  route({
    method: "DELETE",
    path: `${PATH}/{id}`,
    summary: "Cancels a proof; a stored report is never deleted this way",
    roles,
    scope: "whole-gateway",
    reply: Proof,
    others: { 404: "there is no such proof since the start of the gateway" },
    answer: async ({ proofs }: Deps, { params: { id } }) => {
      const job = await proofs.jobs.cancel(id);
      return job ? json(200, shown(job)) : unknown();
    },
  }),
];

/** Entries about ends of proofs that are compared: more than there are reports, because some were cancelled. */
const MOST_ENTRIES = 500;

/** A report of which the journal does not know that is a forged one, or older than what the journal still has. */
const isJournaled = async ({ ask }: Pick<AuditParts, "ask">, { digest }: Pick<Proved, "digest">) => {
  try {
    const filter = `kind:access action:${PROVE_ISOLATION}`;
    const { transactions = [] } = await ask({ kind: "page", filter, names: [], limit: MOST_ENTRIES });
    return transactions.some(({ entries: [entry] }) => entry?.kind === "access" && entry.digest === digest);
  } catch {
    return null;
  }
};
