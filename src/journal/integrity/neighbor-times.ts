/**
 * The period of a segment's entries, from the lines of its neighbors. Damage may affect several segments, so only a
 * line that leads to a signed root counts; otherwise the next neighbor is tried.
 */
import { readAll, type Disk } from "../disk.ts";
import { forEachLine } from "../read/read-lines.ts";
import { withSegment, type SegmentFile } from "../segments/segment.ts";
import type { Span } from "../segments/entry-ranges.ts";
import { LeavesMissing, type Tiles } from "./tiles.ts";
import { leafHashWithin, verifyInclusion, type Digest } from "./merkle-tree.ts";

/** `tiles`: of the entries below the checkpoint whose root is `root`. */
export type Proved = { readonly disk: Disk; readonly dir: string; readonly tiles: Tiles; readonly root: Digest };

const HEAD_BYTES = 96;
const TIME = /^\{"index":\d+,"time":"([^"]{27})"/;

/** The time of the line at bytes[start, end); undefined if the line has no time. */
export const timeWithin = (bytes: Buffer, start: number, end: number): string | undefined =>
  TIME.exec(bytes.toString("latin1", start, Math.min(end, start + HEAD_BYTES)))?.[1];

/** The time of the first proved first line among these segments, in order; null if no segment has one. */
export const timeAfter = (proved: Proved, spans: readonly Span[]): Promise<string | null> =>
  firstProved(proved, spans, ({ first }) => [first, firstLine]);

/** The time of the first proved last line among these segments, in reverse order; null if no segment has one. */
export const timeBefore = (proved: Proved, spans: readonly Span[]): Promise<string | null> =>
  firstProved(proved, spans.toReversed(), ({ end }) => [end - 1, lastLine]);

type Line = Buffer;
type Reader = (file: SegmentFile) => Promise<Line | undefined>;

const firstProved = async (
  { disk, dir, tiles, root }: Proved,
  spans: readonly Span[],
  placeIn: (span: Span) => [index: number, read: Reader],
): Promise<string | null> => {
  for (const span of spans) {
    const [index, read] = placeIn(span);
    if (!span.isThere || index >= tiles.size) continue;
    const line = await withSegment(disk, dir, span.first, read).catch(() => undefined);
    const time = line && timeWithin(line, 1, line.length);
    if (time === undefined || !(await isProved({ tiles, root }, index, line!))) continue;
    return time;
  }
  return null;
};

const isProved = async (
  { tiles, root }: Pick<Proved, "tiles" | "root">,
  index: number,
  line: Line,
): Promise<boolean> => {
  const leaf = leafHashWithin(line, 1, line.length);
  try {
    return verifyInclusion({ index, size: tiles.size, leaf, root, proof: await tiles.of(index) });
  } catch (error) {
    if (!(error instanceof LeavesMissing)) throw error;
    return false;
  }
};

/** With one byte in front, which hashing overwrites temporarily. */
const firstLine: Reader = async (file) => {
  let line: Buffer | undefined;
  await forEachLine(file, (bytes, start, end) => {
    line = Buffer.from(bytes.subarray(start - 1, end));
    return false;
  });
  return line;
};

const AT_ONCE = 65_536;
const NEWLINE = 0x0a;

const lastLine: Reader = async (file) => {
  const size = await file.size();
  // A line may be long: then read more, up to the beginning.
  for (let length = Math.min(AT_ONCE, size); length > 1; length = Math.min(16 * length, size)) {
    const bytes = await readAll(file, size - length, length);
    if (bytes.at(-1) !== NEWLINE) return undefined;
    const before = bytes.lastIndexOf(NEWLINE, bytes.length - 2);
    if (before >= 0) return Buffer.from(bytes.subarray(before, bytes.length - 1));
    if (length === size) return Buffer.concat([Buffer.alloc(1), bytes.subarray(0, -1)]);
  }
  return undefined;
};
