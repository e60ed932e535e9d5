/**
 * The lines of a damaged segment that are as they were written: those that have the leaf hash that was recorded for
 * their index.
 */
import { FramesDamaged } from "./frames.ts";
import { forEachLine } from "./lines.ts";
import type { SegmentFile } from "./segment.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "./tree.ts";
import { faultInWords } from "../system-error.ts";

/** `hashes`: the leaf hashes that were recorded, 32 bytes each, from index `first` on. */
export type Damaged = { readonly open: () => Promise<SegmentFile>; readonly first: number; readonly hashes: Buffer };

/** bytes[start, end) is the line of this index. */
export type OnIntact = (bytes: Buffer, start: number, end: number, index: number) => void;

/**
 * `intact`: so many lines. `others`: lines that are not as they were written, or not in their place. `damage`: why the
 * file cannot be read to its end.
 */
export type Intact = { readonly intact: number; readonly others: number; readonly damage: string | undefined };

const INDEX = /^\{"index":(\d{1,15}),/;
const INDEX_BYTES = 26;

export const forEachIntact = async ({ open, first, hashes }: Damaged, onIntact: OnIntact): Promise<Intact> => {
  let [intact, others, line] = [0, 0, 0];
  const seen = new Set<number>();
  try {
    const file = await open();
    try {
      const read = await forEachLine(file, (bytes, start, end) => {
        const index = Number(
          INDEX.exec(bytes.toString("latin1", start, Math.min(end, start + INDEX_BYTES)))?.[1] ?? -1,
        );
        const at = (index - first) * DIGEST_BYTES;
        const isIntact =
          index >= first &&
          at + DIGEST_BYTES <= hashes.length &&
          !seen.has(index) &&
          leafHashWithin(bytes, start, end) === digestOf(hashes.subarray(at, at + DIGEST_BYTES));
        if (!isIntact || index !== first + line) others++;
        line++;
        if (!isIntact) return;
        seen.add(index);
        intact++;
        onIntact(bytes, start, end, index);
      });
      if (read < (await file.size())) others++;
    } finally {
      await file.close();
    }
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (!isGone && !(error instanceof FramesDamaged)) throw error;
    return { intact, others, damage: isGone ? "it is missing" : faultInWords(error) };
  }
  return { intact, others, damage: undefined };
};
