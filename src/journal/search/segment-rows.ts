/** The segments of the journal, newest first: which entries each has, from when, and in which form. */
import { stat } from "node:fs/promises";
import { nodeDisk } from "../disk.ts";
import { paths } from "../paths.ts";
import { isDeletedLine } from "../segments/retention/deleted-lines.ts";
import { spansIn, type Span } from "../segments/entry-ranges.ts";
import { compressedIn, withSegment } from "../segments/segment.ts";
import { forEachLine } from "../read/read-lines.ts";
import { parseEntry } from "./index/segment-lines.ts";

export type SegmentRow = {
  /** Entries from `first` to before `end`. */
  readonly first: number;
  readonly end: number;
  /** RFC 3339: the time of its first entry that is not deleted; null if it cannot be read. */
  readonly time: string | null;
  /** `hashes`: its lines were deleted or set aside, and their leaf hashes are left. */
  readonly form: "plain" | "compressed" | "hashes";
  /** Of the file. */
  readonly bytes: number;
};

export type SegmentPage = {
  readonly segments: readonly SegmentRow[];
  /** The first index before which the next page begins; undefined on the last page. */
  readonly next: number | undefined;
};

/** `size`: entries of the journal, where the last segment ends. `before`: a first index. */
export type SegmentQuery = {
  readonly dir: string;
  readonly size: number;
  readonly before?: number | undefined;
  readonly limit: number;
};

export const listSegments = async ({
  dir,
  size,
  before = Number.POSITIVE_INFINITY,
  limit,
}: SegmentQuery): Promise<SegmentPage> => {
  const names = await nodeDisk.list(paths(dir).segments);
  const earlier = spansIn(names).filter(({ first }) => first < before && first < size);
  const wanted = earlier.slice(-limit).toReversed();
  const compressed = compressedIn(names);
  const segments: SegmentRow[] = [];
  for (const span of wanted) {
    const form = !span.isThere ? "hashes" : compressed.has(span.first) ? "compressed" : "plain";
    segments.push({
      first: span.first,
      end: Math.min(span.end, size),
      time: span.isThere ? await firstTime(dir, span) : null,
      form,
      bytes: await bytesOf(dir, span.first, form),
    });
  }
  return { segments, next: wanted.length < earlier.length ? wanted.at(-1)?.first : undefined };
};

const bytesOf = async (dir: string, first: number, form: SegmentRow["form"]): Promise<number> => {
  const at = paths(dir);
  const path = form === "hashes" ? at.leaves(first) : form === "compressed" ? at.compressed(first) : at.segment(first);
  // It may be compressed or deleted meanwhile.
  return (await stat(path).catch(() => undefined))?.size ?? 0;
};

/** Null also for a damaged segment: the verification says more about it. */
const firstTime = async (dir: string, { first }: Span): Promise<string | null> => {
  let time: string | null = null;
  try {
    await withSegment(nodeDisk, dir, first, (file) =>
      forEachLine(file, (bytes, start, end) => {
        if (isDeletedLine(bytes, start, end)) return true;
        time = parseEntry(bytes.toString("utf8", start, end))?.time ?? null;
        return false;
      }),
    );
  } catch {
    return null;
  }
  return time;
};
