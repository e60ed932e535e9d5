/** What the replies about verifications and exports have in common. */
import { z } from "zod";
import { purposeFault } from "../../../journal/access.ts";
import { InvalidQuestion } from "../../../journal/search/worker/search-worker.ts";
import type { Job } from "../../jobs/jobs.ts";
import type { Viewer } from "../../viewer.ts";

export const JOB_MEMBERS = {
  id: z.string(),
  by: z.string().describe("Who started it"),
  purpose: z.string().nullable(),
  state: z.enum(["running", "done", "failed", "cancelled"]),
  started: z.string().describe("RFC 3339"),
  ended: z.string().nullable(),
  error: z.string().nullable().describe("Why it failed, or was cancelled by the gateway"),
};

export const Progress = z.strictObject({ entries: z.number().describe("Entries read"), of: z.number() });

export const jobMembers = ({ id, by, purpose, state, started, ended, error }: Job<unknown, unknown>) => ({
  id,
  by,
  purpose,
  state,
  started,
  ended,
  error,
});

/** A person with a session must say why; the token's holder may leave it out. Throws InvalidQuestion. */
export const requirePurpose = ({ via }: Viewer, purpose: string | undefined): void => {
  if (purpose === undefined && via === "session")
    throw new InvalidQuestion("purpose: expected why the journal is read, for example complaint 2026-118");
  const fault = purpose === undefined ? undefined : purposeFault(purpose);
  if (fault !== undefined) throw new InvalidQuestion(fault);
};
