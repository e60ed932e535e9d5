/** Proofs of isolation that viewers start: one at a time, in a process of their own. The journal has start and end. */
import { join } from "node:path";
import type { Proved, ProofAbout, ProofParts } from "../../../../admin/api/evidence/isolation-proofs.ts";
import type { AuditParts } from "../../../../admin/audit-parts.ts";
import { Jobs, type Job } from "../../../../admin/jobs/jobs.ts";
import { events } from "../../../../common/log/events.ts";
import { ulid } from "../../../../common/ulid.ts";
import { PROVE_ISOLATION, type AccessRequest } from "../../../../journal/access.ts";
import type { VerifyVerdict } from "../../../../journal/entry.ts";
import type { Reading } from "../../../config/reading.ts";
import { planProof } from "../../../proof/plan.ts";
import { startProofProcess } from "../../../proof/proof-process.ts";
import { ProofReports } from "../../../proof/reports.ts";
import type { ShutdownSteps } from "../../../shutdown.ts";
import { VERSION } from "../../../version.ts";

type Deps = {
  /** The directory of the journal. */
  readonly dir: string;
  readonly reading: () => Pick<Reading, "settings" | "hash">;
  readonly record: AuditParts["record"];
};

type Starter = Pick<AccessRequest, "user" | "role" | "purpose">;

/** Ended proofs whose state is kept, besides the stored reports. */
const MOST = 20;

export const createProofs = ({ dir, reading, record }: Deps, stops: ShutdownSteps): ProofParts => {
  const folder = join(dir, "proofs");
  const reports = new ProofReports(folder);
  const asked = new Map<string, Starter>();
  const onEnd = (job: Job<ProofAbout, Proved>): void => {
    const by = asked.get(job.id);
    asked.delete(job.id);
    if (!by) return;
    const { report, digest } = job.result ?? {};
    const entry = {
      ...by,
      operation: PROVE_ISOLATION,
      results: report?.requests ?? 0,
      verdict: verdictOf(job),
      digest,
    };
    record(entry, false).catch((error: unknown) => events.proofNotJournaled({ error }));
  };
  const jobs = new Jobs<ProofAbout, Proved>(MOST, onEnd);
  stops.push(() => jobs.stop());
  let starting: string | undefined;
  const begin = (id: string, by: Starter): Job<ProofAbout, Proved> => {
    asked.set(id, by);
    const { settings, hash } = reading();
    const about = { config_hash: hash, gateway_version: VERSION };
    const purpose = by.purpose ?? null;
    const started = new Date().toISOString();
    return jobs.start({
      id,
      by: by.user,
      purpose,
      about,
      of: 100,
      work: (onPercent) => {
        const { result, cancel } = startProofProcess(planProof(settings, hash), { otherwise: folder, onPercent });
        const stored = result.then(async (report) => {
          const ended = new Date().toISOString();
          return {
            report,
            digest: await reports.write({ id, by: by.user, purpose, started, ended, ...about, report }),
          };
        });
        return { result: stored, cancel };
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
        return begin(id, by);
      } finally {
        starting = undefined;
      }
    },
    configHash: () => reading().hash,
    stored: () => reports.list(),
    find: (id) => reports.find(id),
  };
};

const verdictOf = ({ state, result }: Job<unknown, Proved>): VerifyVerdict =>
  state === "done" ? result!.report.verdict : state === "cancelled" ? "cancelled" : "failed";
