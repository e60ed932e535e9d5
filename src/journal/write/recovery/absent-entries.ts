/** Entries of which only the leaf hashes are left: they were deleted or set aside, and an entry must say so. */
import { readWhole } from "../../disk.ts";
import { JournalDamaged } from "../../errors.ts";
import { DIGEST_BYTES, digestOf } from "../../integrity/merkle-tree.ts";
import { segmentName } from "../../paths.ts";
import { coversAll, type SetAsideRange } from "../../segments/set-aside-ranges.ts";
import { requireSigned, type Reading } from "./reading.ts";

/** Adds the leaf hashes of deleted or set-aside entries to the tree. Stops early where a hash file is missing. */
export const passHashes = async (reading: Reading, hashes: readonly number[], until: number): Promise<void> => {
  for (const [at, first] of hashes.entries()) {
    if (first < reading.tree.size()) continue;
    if (first !== reading.tree.size() || first >= until) return;
    const end = Math.min(hashes[at + 1] ?? until, until);
    const bytes = await readWhole(reading.disk, reading.at.leaves(first));
    for (let index = first; index < end && bytes.length >= (index - first + 1) * DIGEST_BYTES; index++) {
      reading.tree.append(digestOf(bytes.subarray((index - first) * DIGEST_BYTES, (index - first + 1) * DIGEST_BYTES)));
      if (reading.signed.has(reading.tree.size()))
        requireSigned(
          reading,
          `of which only the hashes are there, by ${segmentName(first).replace(".jsonl", ".hashes")},`,
        );
    }
  }
};

/** Missing segments must have been deleted or set aside by the gateway: an entry must say so. */
export const requireRetired = (
  { trail, holes }: Reading,
  { first, damaged }: { readonly first: number; readonly damaged: readonly Omit<SetAsideRange, "by">[] },
): void => {
  const ranges = [...trail.setAsideRanges.all(), ...damaged].toSorted((one, other) => one.from - other.from);
  if (!coversAll(ranges, trail.deleted?.to ?? 0, first))
    throw new JournalDamaged(
      `${segmentName(first)}: the entries before it are missing, and no entry says that they were deleted`,
    );
  const hole = holes.find(({ from, to }) => !coversAll(ranges, from, to));
  if (hole)
    throw new JournalDamaged(
      `${segmentName(hole.from)} is missing, with the entries ${hole.from} to ${hole.to - 1}, and no entry ` +
        "says that it was set aside",
    );
};

/** An entry must name exactly the lines that are deleted. */
export const requireDeletions = ({ deleted, trail }: Reading): void => {
  for (const [first, { count, sha256 }] of deleted) {
    const isSaid = trail.remainders.get(first)?.some((each) => each.entries === count && each.sha256 === sha256);
    if (!isSaid) throw new JournalDamaged(`${count} lines of ${segmentName(first)} are deleted, and no entry says so`);
  }
};

export const nextOf = (hashes: readonly number[], first: number): number =>
  hashes.find((each) => each > first) ?? Number.POSITIVE_INFINITY;

/** A hole may contain the ends of earlier requests that are open here: their outcomes are unknown. */
export const passHole = async (reading: Reading, hashes: readonly number[], until: number): Promise<void> => {
  const from = reading.tree.size();
  await passHashes(reading, hashes, until);
  reading.holes.push({ from, to: reading.tree.size() });
  reading.trail.open.clear();
};
