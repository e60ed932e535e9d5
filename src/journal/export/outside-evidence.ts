/**
 * The external evidence of a bundle: the newest cosigned checkpoint, the newest one with a timestamp, and the proofs
 * that the bundle's own checkpoint continues them. The bundle's checkpoint is seconds old, so nobody has cosigned it
 * yet.
 */
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeDisk } from "../disk.ts";
import { readCheckpoint, type Checkpoint } from "../integrity/checkpoints/signed-note.ts";
import { COSIGNED, numbersIn, paths, TIMESTAMP } from "../paths.ts";
import { LeavesMissing, Tiles } from "../integrity/tiles.ts";
import { digestBytes, digestOf, verifyConsistency, type Digest } from "../integrity/merkle-tree.ts";
import { OUTSIDE_FILES } from "../verify/bundle/bundle-outside.mjs";

/** The programs that `verify.mjs` of a bundle imports. */
export const PROGRAMS = [
  "bundle-checkpoint.mjs",
  "bundle-events.mjs",
  "bundle-files.mjs",
  "bundle-outside.mjs",
  "bundle-report.mjs",
  "bundle-tree.mjs",
  "cosignature.mjs",
  "timestamp.mjs",
  "certificate-chain.mjs",
  "der.mjs",
] as const;

/** Entries that each covers; null if there is none, or it does not match the bundle's checkpoint. */
export type OutsideSizes = { readonly cosigned: number | null; readonly timestamped: number | null };

export const writeOutsideEvidence = async (
  work: string,
  dir: string,
  checkpoint: Checkpoint,
): Promise<OutsideSizes> => {
  const at = paths(dir);
  const names = await nodeDisk.list(at.checkpoints);
  const newest = (ending: typeof COSIGNED | typeof TIMESTAMP): number | undefined =>
    numbersIn(names, ending).findLast((size) => size <= checkpoint.size);
  const [cosigned, stamped] = [newest(COSIGNED), newest(TIMESTAMP)];
  const proofs = {
    cosigned:
      cosigned === undefined
        ? undefined
        : await proofFrom(dir, await readFile(at.cosigned(cosigned), "utf8"), checkpoint),
    timestamped:
      stamped === undefined
        ? undefined
        : await proofFrom(dir, await readFile(at.checkpoint(stamped), "utf8").catch(ifGone), checkpoint),
  };
  if (proofs.cosigned) await copyFile(at.cosigned(cosigned!), join(work, OUTSIDE_FILES.cosigned));
  if (proofs.timestamped) {
    await copyFile(at.checkpoint(stamped!), join(work, OUTSIDE_FILES.timestamped));
    await copyFile(at.timestamp(stamped!), join(work, OUTSIDE_FILES.timestamp));
  }
  if (proofs.cosigned ?? proofs.timestamped) {
    const hex = (proof: readonly Digest[] | undefined) => proof?.map((digest) => digestBytes(digest).toString("hex"));
    await writeFile(
      join(work, OUTSIDE_FILES.consistency),
      `${JSON.stringify({ cosigned: hex(proofs.cosigned), timestamped: hex(proofs.timestamped) })}\n`,
    );
  }
  return { cosigned: proofs.cosigned ? cosigned! : null, timestamped: proofs.timestamped ? stamped! : null };
};

const ifGone = (error: NodeJS.ErrnoException): string => {
  if (error.code === "ENOENT") return "";
  throw error;
};

/** Undefined if the checkpoint does not continue the note's; `audit verify` of the journal reports that. */
const proofFrom = async (
  dir: string,
  note: string,
  { origin, size, root }: Checkpoint,
): Promise<readonly Digest[] | undefined> => {
  const older = readCheckpoint(note);
  if (older?.origin !== origin || older.size === 0) return undefined;
  const tiles = new Tiles(nodeDisk, dir, size);
  try {
    const proof = older.size === size ? [] : await tiles.consistency(older.size);
    const proved = { size1: older.size, size2: size, root1: digestOf(older.root), root2: digestOf(root), proof };
    return verifyConsistency(proved) ? proof : undefined;
  } catch (error) {
    if (error instanceof LeavesMissing) return undefined;
    throw error;
  } finally {
    await tiles.close();
  }
};
