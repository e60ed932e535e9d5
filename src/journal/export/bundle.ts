/**
 * A bundle: an export that can be verified elsewhere. It has the entries of a query with their proofs
 * (`bundle-entries.ts`), evidence by others, descriptions for people and programs, and a program without dependencies
 * that verifies it.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { coverageLines } from "./coverage-text.ts";
import { PROGRAMS, writeOutsideEvidence, type OutsideSizes } from "./outside-evidence.ts";
import { readMe } from "./read-me.ts";
import { MOST_ZIP_BYTES, writeZip } from "./zip.ts";
import type { Exported } from "./export.ts";
import { readCheckpoint } from "../integrity/checkpoints/signed-note.ts";
import { paths } from "../paths.ts";
import { writeEntries, type BundleQuery, type FilledBundle } from "./bundle-entries.ts";

export type BundleOptions = BundleQuery & {
  readonly by: string;
  readonly purpose: string | undefined;
  readonly version: string;
  readonly configHash: string;
};

/**
 * Writes a zip if `out` ends with .zip, otherwise a directory, atomically. Rejects if `out` exists, and as soon as it
 * is known that the zip would have more than `most` bytes.
 */
export const writeBundle = async (
  bundling: BundleOptions,
  out: string,
  most: number = MOST_ZIP_BYTES,
): Promise<Exported> => {
  const isZip = out.endsWith(".zip");
  const work = await mkdtemp(join(dirname(out), ".ocsgw-bundle-"));
  try {
    const done = await fill(work, isZip ? { ...bundling, most } : bundling);
    if (!isZip) {
      await mkdir(out, { mode: 0o700 });
      await rename(work, out);
    } else {
      const packed = join(work, "packed");
      await writeZip(packed, work, (await readdir(work)).toSorted());
      await writeFile(out, "", { flag: "wx", mode: 0o600 });
      await rename(packed, out);
    }
    return done;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const fill = async (work: string, bundling: BundleOptions): Promise<Exported> => {
  const note = await readFile(paths(bundling.dir).checkpoint(bundling.size), "utf8");
  const checkpoint = readCheckpoint(note)!;
  const done = await writeEntries(work, bundling, checkpoint);
  await writeFile(join(work, "checkpoints.txt"), note);
  const outside = await writeOutsideEvidence(work, bundling.dir, checkpoint);
  await writeDescription(work, bundling, { ...done, origin: checkpoint.origin, outside });
  await copyFile(new URL("../verify/bundle/bundle.mjs", import.meta.url), join(work, "verify.mjs"));
  for (const program of PROGRAMS)
    await copyFile(new URL(`../verify/bundle/${program}`, import.meta.url), join(work, program));
  await writeManifest(work);
  return done;
};

const writeDescription = async (
  work: string,
  { dir, filter, size, by, purpose, version, configHash, evidence, caseFile }: BundleOptions,
  found: FilledBundle & { readonly origin: string; readonly outside: OutsideSizes },
): Promise<void> => {
  const at = new Date().toISOString();
  const keys = (await readFile(paths(dir).verifierKeys, "utf8")).split("\n").filter(Boolean);
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await writeFile(
    join(work, "keys.json"),
    json({ keys, says: "Compare them with the keys that the gateway's owner gave you by another channel." }),
  );
  await writeFile(
    join(work, "query.json"),
    json({
      filter: filter.text,
      exported: at,
      by,
      purpose: purpose ?? null,
      gateway_version: version,
      config_hash: configHash,
      checkpoint: size,
      requests_and_events: found.transactions,
      own_records: found.transactions - found.matching,
      entries: found.entries,
      fitting: found.matching,
      warnings: found.warnings,
      looked_through: found.through,
      outside: found.outside,
      ...(evidence && { evidence }),
    }),
  );
  if (caseFile) await writeFile(join(work, "case.json"), json(caseFile.json));
  await writeFile(
    join(work, "README.txt"),
    readMe({
      query: filter.text,
      at,
      by,
      purpose,
      size,
      ...found,
      coverage: evidence && coverageLines(evidence),
      more: caseFile?.readMe,
    }),
  );
};

const writeManifest = async (work: string): Promise<void> => {
  const lines = await Promise.all(
    (await readdir(work)).toSorted().map(async (name) => {
      const hash = createHash("sha256");
      await pipeline(createReadStream(join(work, name)), hash);
      return `${hash.digest("hex")}  ${name}\n`;
    }),
  );
  await writeFile(join(work, "manifest.sha256"), lines.join(""));
};
