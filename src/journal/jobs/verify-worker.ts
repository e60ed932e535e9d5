/** The thread of a verification. */
import { verifyJournal, type VerifyOptions } from "../verify/verify.ts";
import { runJob } from "./run-job.ts";

/** What `verifyJournal` takes. */
export type VerifyJob = Omit<VerifyOptions, "pace"> & { readonly dir: string };

await runJob(({ dir, ...options }: VerifyJob, pace) => verifyJournal(dir, { ...options, pace }));
