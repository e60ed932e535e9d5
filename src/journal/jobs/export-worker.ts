/** The thread of an export. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeBundle } from "../export/bundle.ts";
import { madeBy } from "../export/html-summary.ts";
import { exportTo, type Exported, type PlainFormat } from "../export/export.ts";
import { parseFilter } from "../search/filter/filter.ts";
import type { Scope } from "../search/scope/part.ts";
import type { UnknownName } from "../search/filter/vocabulary.ts";
import type { Evidence } from "../search/person-search.ts";
import { runJob, type Pace } from "./run-job.ts";

export type ExportFormat = PlainFormat | "bundle";

export type ExportJob = {
  readonly dir: string;
  readonly filter: string;
  readonly names: readonly UnknownName[];
  /** Entries to read: for a bundle, those of a checkpoint. */
  readonly size: number;
  /** The file to write; of a bundle, a zip. */
  readonly out: string;
  readonly as: ExportFormat;
  readonly by: string;
  readonly purpose: string | undefined;
  readonly version: string;
  readonly configHash: string;
  /** What a person search covers, for an export about a person. */
  readonly evidence: Evidence | undefined;
  /** Only what people of this scope may see, without the positions in the journal. */
  readonly scope: Scope | undefined;
};

/** `bytes`, `sha256` (in hex): of the file. */
export type ExportedFile = Exported & { readonly bytes: number; readonly sha256: string };

await runJob(async (job: ExportJob, pace): Promise<ExportedFile> => ({
  ...(await write(job, pace)),
  ...(await digestOf(job.out)),
}));

async function write({ dir, filter, names, size, scope, out, as, ...about }: ExportJob, pace: Pace): Promise<Exported> {
  const query = { dir, filter: parseFilter(filter), names, size, scope, pace };
  if (as === "bundle") return writeBundle({ ...query, ...about }, out);
  return exportTo(query, { out, as, says: madeBy(about), isPartial: scope !== undefined });
}

async function digestOf(path: string): Promise<Pick<ExportedFile, "bytes" | "sha256">> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}
