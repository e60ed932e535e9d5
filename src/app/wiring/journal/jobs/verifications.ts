/** Verifications of the whole journal that viewers start: one at a time, on a thread that yields to requests. */
import type { VerificationParts, VerifyAbout } from "../../../../admin/api/evidence/verifications.ts";
import type { AuditParts } from "../../../../admin/audit-parts.ts";
import { Jobs, type Job } from "../../../../admin/jobs/jobs.ts";
import { ulid } from "../../../../common/ulid.ts";
import { events } from "../../../../common/log/events.ts";
import type { AccessRequest } from "../../../../journal/access.ts";
import type { VerifyVerdict } from "../../../../journal/entry.ts";
import type { Checkpoints } from "../../../../journal/integrity/checkpoints/checkpoint.ts";
import { JobThread } from "../../../../journal/jobs/job-thread.ts";
import type { VerifyJob } from "../../../../journal/jobs/verify-worker.ts";
import type { Journal } from "../../../../journal/journal.ts";
import type { Report } from "../../../../journal/verify/verify.ts";
import type { Settings } from "../../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../../shutdown.ts";
import { ownVerifyOptions } from "./evidence-outside.ts";
import type { YieldToDisk } from "./yield-to-disk.ts";

type Deps = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "verifierKey" | "write">;
  readonly settings: () => Settings;
  readonly record: AuditParts["record"];
  readonly yieldToDisk: YieldToDisk;
};

type Starter = Pick<AccessRequest, "user" | "role" | "purpose">;

const PROGRAM = new URL("../../../../journal/jobs/verify-worker.ts", import.meta.url);
/** Results that are kept. */
const MOST = 20;

export const createVerifications = (
  { journal, checkpoints, settings, record, yieldToDisk }: Deps,
  stops: ShutdownSteps,
): VerificationParts => {
  const asked = new Map<string, Starter>();
  /** The entry about the end says who has verified how much, also after a restart. */
  const onEnd = (job: Job<VerifyAbout, Report>): void => {
    const by = asked.get(job.id);
    asked.delete(job.id);
    if (!by) return;
    const entry = { ...by, operation: "verify", results: job.result?.covered ?? 0, verdict: verdictOf(job) };
    record(entry, false).catch((error: unknown) => events.verificationNotJournaled({ error }));
    if (job.result?.verdict !== "broken") return;
    const damage = job.result.findings.map(({ text }) => text).join("; ");
    events.journalDamaged({ damage });
    journal.note({ kind: "alarm", reason: "a verification found that the journal was changed", detail: damage });
  };
  const jobs = new Jobs<VerifyAbout, Report>(MOST, onEnd);
  stops.push(() => jobs.stop());
  let starting: string | undefined;
  const begin = async (id: string, by: Starter): Promise<Job<VerifyAbout, Report>> => {
    // A checkpoint of the last entries, so that the verification covers them; without one it covers fewer.
    await checkpoints.write().catch(() => undefined);
    const { options, away } = await ownVerifyOptions(settings(), checkpoints.verifierKey);
    asked.set(id, by);
    return jobs.start({
      id,
      by: by.user,
      purpose: by.purpose ?? null,
      about: { away },
      of: journal.status().size,
      work: (onProgress) => {
        const thread = new JobThread<VerifyJob, Report>({
          program: PROGRAM,
          asked: { dir: journal.dir, ...options },
          onProgress,
        });
        yieldToDisk(thread);
        return { result: thread.result, cancel: () => thread.cancel() };
      },
    });
  };
  return {
    jobs,
    running: () => starting ?? jobs.list().find(({ state }) => state === "running")?.id,
    start: async (by, journaled) => {
      const id = (starting = ulid());
      try {
        await journaled();
        return await begin(id, by);
      } finally {
        starting = undefined;
      }
    },
  };
};

const verdictOf = ({ state, result }: Job<unknown, Report>): VerifyVerdict =>
  state === "done" ? result!.verdict : state === "cancelled" ? "cancelled" : "failed";
