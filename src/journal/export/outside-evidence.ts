/**
 * What a bundle brings from outside: the newest checkpoint up to its own that witnesses cosigned, the newest that
 * has a timestamp, and the proofs that the bundle's checkpoint continues them. The bundle's own checkpoint is
 * seconds old, and nobody outside may have seen it yet.
 */
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeDisk } from "../disk.ts";
import { readCheckpoint, type Checkpoint } from "../note.ts";
import { COSIGNED, numbersIn, places, TIMESTAMP } from "../places.ts";
import { LeavesMissing, Tiles } from "../tiles.ts";
import { digestBytes, digestOf, verifyConsistency, type Digest } from "../tree.ts";
import { OUTSIDE_FILES } from "../verify/bundle-outside.mjs";

/** The programs that `verify.mjs` of a bundle imports. */
export const PROGRAMS = [
  "bundle-outside.mjs",
  "cosignature.mjs",
  "timestamp.mjs",
  "certificate-chain.mjs",
  "der.mjs",
] as const;

/** Entries that what came from outside covers; null where there is none, or where it does not fit the checkpoint. */
export type Outside = { readonly cosigned: number | null; readonly timestamped: number | null };

export const writeOutside = async (work: string, dir: string, checkpoint: Checkpoint): Promise<Outside> => {
  const at = places(dir);
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

/** Undefined where the checkpoint does not continue the note's: `audit verify` of the journal says what is wrong. */
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
