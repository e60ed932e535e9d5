/** The thread of an export. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeBundle } from "../export/bundle.ts";
import { caseOf, type Case } from "../export/case/case.ts";
import { caseFileOf } from "../export/case/case-file.ts";
import { madeBy } from "../export/html-summary.ts";
import { exportTo, type Exported, type PlainFormat } from "../export/export.ts";
import { parseFilter } from "../search/filter/filter.ts";
import type { Scope } from "../search/scope/part.ts";
import type { UnknownName } from "../search/filter/vocabulary.ts";
import type { IndexKeys } from "../redact.ts";
import { JournalSearch } from "../search/journal-search.ts";
import { preparePersonQuery, type Evidence } from "../search/person-search.ts";
import type { Person } from "../search/phone-variants.ts";
import { runJob, type Pace } from "./run-job.ts";

/** `case`: a bundle about one person, with a readable report. */
export type ExportFormat = PlainFormat | "bundle" | "case";

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
  /** For a case: whose. `filter`: what else narrows it. */
  readonly about?: CaseAbout | undefined;
  /** Only what people of this scope may see, without the positions in the journal. */
  readonly scope: Scope | undefined;
};

export type CaseAbout = { readonly person: Person; readonly keys: IndexKeys; readonly filter: string };

/** `bytes`, `sha256` (in hex): of the file. `covered`: of a case, whether all of the person's requests are in it. */
export type ExportedFile = Exported & {
  readonly bytes: number;
  readonly sha256: string;
  readonly covered?: boolean | undefined;
};

await runJob(async (job: ExportJob, pace): Promise<ExportedFile> => ({
  ...(await write(job, pace)),
  ...(await digestOf(job.out)),
}));

type Written = Exported & { readonly covered?: boolean };

async function write(
  { dir, filter, names, size, scope, out, as, about: whose, ...about }: ExportJob,
  pace: Pace,
): Promise<Written> {
  const query = { dir, filter: parseFilter(filter), names, size, scope, pace };
  if (as === "case") {
    const found = await findCase(dir, whose!, pace);
    const caseFile = caseFileOf(found, whose!.person.kind, undefined);
    const written = await writeBundle({ ...query, ...about, evidence: found.evidence, caseFile }, out);
    return { ...written, covered: found.complete };
  }
  if (as === "bundle") return writeBundle({ ...query, ...about }, out);
  return exportTo(query, { out, as, says: madeBy(about), isPartial: scope !== undefined });
}

/** The index that requests use belongs to another thread, so the case has one of its own in the export's folder. */
async function findCase(dir: string, { person, keys, filter }: CaseAbout, pace: Pace): Promise<Case> {
  const search = new JournalSearch(dir, { isTemporary: true });
  try {
    await search.refresh(pace);
    const asked = await preparePersonQuery(search, { person, keys, filter: parseFilter(filter) });
    const open = new Set((await search.openDnc()).map(({ at }) => at));
    return await caseOf(search, asked, open);
  } finally {
    search.close();
  }
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
