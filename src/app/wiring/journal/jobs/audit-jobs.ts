/** What people do with the whole journal over the admin API, besides searching it. */
import { join } from "node:path";
import type { ExportParts } from "../../../../admin/api/evidence/exports.ts";
import type { LookUps } from "../../../../admin/api/evidence/look-ups.ts";
import type { ProofParts } from "../../../../admin/api/evidence/isolation-proofs.ts";
import type { IntegrityParts } from "../../../../admin/api/evidence/integrity.ts";
import type { VerificationParts } from "../../../../admin/api/evidence/verifications.ts";
import type { AuditParts } from "../../../../admin/audit-parts.ts";
import type { Core } from "../../../core.ts";
import type { ShutdownSteps } from "../../../shutdown.ts";
import { createProofs } from "../../admin/isolation/proofs.ts";
import type { BackgroundVerify } from "../background-verify.ts";
import { ExportFolder } from "./export-folder.ts";
import { createExports } from "./exports.ts";
import { createIntegrity } from "./integrity.ts";
import { limitLookUps } from "./look-ups.ts";
import { createVerifications } from "./verifications.ts";
import { createYieldToDisk } from "./yield-to-disk.ts";

export type AuditJobs = {
  readonly integrity: IntegrityParts;
  readonly verifications: VerificationParts;
  readonly exports: ExportParts;
  readonly lookUps: LookUps;
  readonly proofs: ProofParts;
};

type Deps = {
  readonly core: Pick<Core, "journal" | "checkpoints" | "checkpointSinks" | "outside" | "current" | "reading">;
  readonly audit: AuditParts;
  readonly backgroundVerify: BackgroundVerify;
};

/** Without an admin listener nobody can ask. */
const NONE = { dir: null, keep: 0, max_size: 0 };

/** To be called by the holder of the journal's lock. */
export const createAuditJobs = async (
  { core, audit, backgroundVerify }: Deps,
  stops: ShutdownSteps,
): Promise<AuditJobs> => {
  const { current: settings, reading, ...parts } = core;
  const yieldToDisk = createYieldToDisk(core.journal, stops);
  const verifications = createVerifications({ ...parts, settings, record: audit.record, yieldToDisk }, stops);
  const integrity = createIntegrity({
    ...parts,
    settings,
    backgroundVerify,
    ask: audit.ask,
    verifications: verifications.jobs,
  });
  const { dir, keep, max_size: most } = settings().admin?.exports ?? NONE;
  const exports = await createExports(
    {
      journal: core.journal,
      folder: new ExportFolder(dir ?? join(core.journal.dir, "exports"), most),
      keepMs: keep,
      configHash: () => reading().hash,
      yieldToDisk,
    },
    stops,
  );
  return {
    integrity,
    verifications,
    exports,
    lookUps: limitLookUps({ journal: core.journal, settings }),
    proofs: createProofs({ dir: core.journal.dir, reading, record: audit.record }, stops),
  };
};
