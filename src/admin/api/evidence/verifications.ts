/** Verifications of the whole journal, which run in the background, one at a time. */
import { z } from "zod";
import type { AccessRequest } from "../../../journal/access.ts";
import type { Report } from "../../../journal/verify/verify.ts";
import { accessBy, note, type AuditParts } from "../../audit-parts.ts";
import { jobStream } from "../../jobs/job-stream.ts";
import type { Job, Jobs } from "../../jobs/jobs.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { JOB_MEMBERS, jobMembers, Progress, requirePurpose } from "./jobs.ts";
import { purpose, user } from "../parameters.ts";

/** `away`: one sentence for each place of checkpoints that could not be read. */
export type VerifyAbout = { readonly away: readonly string[] };
export type VerifyJobs = Jobs<VerifyAbout, Report>;

export type VerificationParts = {
  readonly jobs: VerifyJobs;
  /** The id of the verification that runs, or is about to run. */
  readonly running: () => string | undefined;
  /** To be called when none is running. Begins when `journaled` has resolved; rejects as it does. */
  readonly start: (
    by: Pick<AccessRequest, "user" | "role" | "purpose">,
    journaled: () => Promise<unknown>,
  ) => Promise<Job<VerifyAbout, Report>>;
};

type Deps = { readonly audit: AuditParts; readonly verifications: VerificationParts };

const VerifyReport = z
  .looseObject({
    verdict: z.enum(["ok", "broken", "cannot-tell"]),
    entries: z.number(),
    covered: z.number().describe("Entries up to the last checkpoint that matches"),
    uncovered: z.number(),
    findings: z.array(z.looseObject({ text: z.string() })).describe("What was changed, and where"),
    more: z.number().describe("Findings that are left out"),
    missing: z.array(z.string()).describe("Why it cannot tell"),
    notes: z.array(z.string()),
    notProved: z.array(z.string()),
  })
  .describe("As ocsgw audit verify --json prints it");

export const Verification = z.strictObject({
  ...JOB_MEMBERS,
  progress: Progress,
  report: VerifyReport.nullable().describe("Null while it runs"),
  away: z
    .array(z.string())
    .describe("Checkpoint sinks that could not be read, so the journal is not compared with them"),
});
export type Verification = z.infer<typeof Verification>;

const shown = (job: Job<VerifyAbout, Report>): Verification => ({
  ...jobMembers(job),
  progress: { entries: job.entries, of: job.of },
  report: job.result as Verification["report"],
  away: [...job.about.away],
});

const UNKNOWN = "there is no such verification; the results of the last twenty are kept until the gateway stops";
const unknown = () => json(404, { error: UNKNOWN });
const roles = ["auditor", "operator"] as const;
const PATH = "/api/audit/verifications";

export const VERIFICATION_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "POST",
    path: PATH,
    summary: "Starts a verification of the whole journal, which runs in the background; one at a time",
    roles,
    scope: "whole-gateway",
    body: z.strictObject({ purpose: purpose(), user: user() }).optional(),
    reply: Verification,
    status: 202,
    others: {
      409: { when: "one is running already", body: z.strictObject({ error: z.string(), id: z.string() }) },
      503: "the access cannot be journaled",
    },
    answer: async ({ audit, verifications }: Deps, { viewer, body = {} }) => {
      requirePurpose(viewer, body.purpose);
      const by = { ...accessBy(viewer, body.user), ...(body.purpose !== undefined && { purpose: body.purpose }) };
      const id = verifications.running();
      if (id !== undefined) return json(409, { error: "a verification is running already; one runs at a time", id });
      const journaled = () => note(audit.record, { ...by, operation: "verify" });
      return json(202, shown(await verifications.start(by, journaled)));
    },
  }),
  route({
    method: "GET",
    path: PATH,
    summary: "The verifications since the start of the gateway, newest first",
    roles,
    scope: "whole-gateway",
    reply: z.strictObject({ verifications: z.array(Verification) }),
    answer: ({ verifications }: Deps) => json(200, { verifications: verifications.jobs.list().map(shown) }),
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}`,
    summary: "One verification: its progress, and its report once it has ended",
    roles,
    scope: "whole-gateway",
    reply: Verification,
    others: { 404: UNKNOWN },
    answer: ({ verifications }: Deps, { params: { id } }) => {
      const job = verifications.jobs.get(id);
      return job ? json(200, shown(job)) : unknown();
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}/events`,
    summary: "The progress of a verification, as server-sent events, until it has ended",
    roles,
    scope: "whole-gateway",
    reply: {
      media: "text/event-stream",
      is: "Progress while it runs, then its end",
      events: { progress: Verification, end: Verification },
    },
    others: { 404: UNKNOWN, 503: "too many streams of progress are open" },
    answer: ({ verifications: { jobs } }: Deps, { params: { id }, gone }) =>
      jobs.get(id) ? jobStream(jobs, id, { gone, shown }) : unknown(),
  }),
  route({
    method: "DELETE",
    path: `${PATH}/{id}`,
    summary: "Cancels a verification",
    roles,
    scope: "whole-gateway",
    reply: Verification,
    others: { 404: UNKNOWN },
    answer: async ({ verifications }: Deps, { params: { id } }) => {
      const job = await verifications.jobs.cancel(id);
      return job ? json(200, shown(job)) : unknown();
    },
  }),
];
