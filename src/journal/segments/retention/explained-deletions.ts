/**
 * Whether an entry names the lines of a segment that were deleted before the others. The entry must lead to the root of
 * the last checkpoint and name exactly these lines: anybody who can write to the directory can replace any line by the
 * text of a deletion.
 */
import type { Disk } from "../../disk.ts";
import { Prover } from "../../integrity/entry-proof.ts";
import { forEachLine } from "../../read/read-lines.ts";
import { readLines } from "../../read/read-entries.ts";
import { DeletedLines, isDeletedLine, namedIn } from "./deleted-lines.ts";
import { withSegment } from "../segment.ts";

type Place = { readonly disk: Disk; readonly dir: string };

/** For the segment that begins with `first`; true if none of its lines is deleted. */
export const areDeletedLinesExplained = async ({ disk, dir }: Place, first: number): Promise<boolean> => {
  const deleted = new DeletedLines();
  const named = new Set<number | undefined>();
  let index = first;
  await withSegment(disk, dir, first, (file) =>
    forEachLine(file, (bytes, start, end) => {
      if (isDeletedLine(bytes, start, end)) {
        deleted.add(index);
        if (named.size < 2) named.add(namedIn(bytes, start, end));
      }
      index++;
      return true;
    }),
  );
  if (deleted.count === 0) return true;
  const [by] = named;
  return named.size === 1 && by !== undefined && (await isStatedBy({ disk, dir }, { by, first, deleted }));
};

type DeletionStatement = { readonly by: number; readonly first: number; readonly deleted: DeletedLines };

const isStatedBy = async ({ disk, dir }: Place, { by, first, deleted }: DeletionStatement): Promise<boolean> => {
  for await (const { entry, text } of readLines(dir, { from: by, to: by + 1 }, disk)) {
    if (entry.kind !== "deleted") return false;
    const isNamed = entry.remainders?.some(
      ({ from, entries, sha256 }) => from === first && entries === deleted.count && sha256 === deleted.sha256,
    );
    if (!isNamed) return false;
    const prover = await Prover.open({ disk, dir });
    try {
      return (await prover.of(by, Buffer.from(text))) === "proved";
    } finally {
      await prover.close();
    }
  }
  return false;
};
