/** The intact lines of a damaged segment: those that match the leaf hash recorded for their index. */
import { FramesDamaged } from "../segments/frames.ts";
import { isDeletedLine } from "../segments/retention/deleted-lines.ts";
import { forEachLine } from "../read/read-lines.ts";
import type { SegmentFile } from "../segments/segment.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "./merkle-tree.ts";
import { faultInWords } from "../../common/system-error.ts";

/** `hashes`: the recorded leaf hashes, 32 bytes each, from index `first` on. */
export type Damaged = { readonly open: () => Promise<SegmentFile>; readonly first: number; readonly hashes: Buffer };

/** bytes[start, end) is the line of this index. */
export type OnIntact = (bytes: Buffer, start: number, end: number, index: number) => void;

/**
 * `intact`: number of intact lines. `deleted`: number of lines with the text of a deletion; `explained-deletions.ts`
 * checks whether an entry names them. `others`: number of changed or misplaced lines. `damage`: why the file cannot be
 * read to its end.
 */
export type Intact = {
  readonly intact: number;
  readonly deleted: number;
  readonly others: number;
  readonly damage: string | undefined;
};

const INDEX = /^\{"index":(\d{1,15}),/;
const INDEX_BYTES = 26;

export const forEachIntact = async ({ open, first, hashes }: Damaged, onIntact: OnIntact): Promise<Intact> => {
  let [intact, deleted, others, line] = [0, 0, 0, 0];
  const seen = new Set<number>();
  try {
    const file = await open();
    try {
      const read = await forEachLine(file, (bytes, start, end) => {
        if (isDeletedLine(bytes, start, end)) {
          deleted++;
          line++;
          return;
        }
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
    return { intact, deleted, others, damage: isGone ? "it is missing" : faultInWords(error) };
  }
  return { intact, deleted, others, damage: undefined };
};
