/**
 * The segments of a journal, for one reader. A search needs them several times, and listing them takes longer the older
 * the journal is, so the folder is listed again only when it has changed.
 */
import { stat } from "node:fs/promises";
import { nodeDisk } from "../disk.ts";
import { paths } from "../paths.ts";
import { spansIn } from "./entry-ranges.ts";

/** A sealed segment: entries from `first` on, to before `end`. */
export type Extent = { readonly first: number; readonly end: number };

/** All ascending. */
export type Segments = {
  /** The first index of each existing segment. */
  readonly firsts: readonly number[];
  /** All segments except the one that is being written. */
  readonly sealed: readonly Extent[];
  /** The first index of each segment between them that was set aside, known from its leaf hashes. */
  readonly holes: readonly number[];
};

/** `changed`: of the folder, when it was listed; undefined if it may change again within the same tick of its clock. */
type Known = { readonly segments: Segments; readonly changed: string | undefined };

/**
 * The time of the folder's last change is as exact as the file system keeps it: to 2 s at worst. A folder that changed
 * less long ago is listed again, as is one whose time lies ahead.
 */
const COARSEST_MS = 3000;

export class SegmentList {
  readonly #dir: string;
  #known: Known | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async read(): Promise<Segments> {
    const folder = paths(this.#dir).segments;
    // Before the list: a change in between gives a later time at the next reading.
    const changed = await changeOf(folder);
    const known = this.#known;
    if (known?.changed !== undefined && known.changed === changed.mark) return known.segments;
    const segments = segmentsOf(await nodeDisk.list(folder));
    this.#known = { segments, changed: changed.ageMs > COARSEST_MS ? changed.mark : undefined };
    return segments;
  }

  /** The sealed segments below `size` that are searched by their own index: all but those in the live index. */
  async sealedBelow(size: number, liveSegments: ReadonlySet<number>): Promise<readonly Extent[]> {
    const { sealed } = await this.read();
    return sealed.filter(({ first, end }) => end <= size && !liveSegments.has(first));
  }
}

const changeOf = async (folder: string): Promise<{ readonly mark: string; readonly ageMs: number }> => {
  const { dev, ino, mtimeNs, ctimeNs } = await stat(folder, { bigint: true });
  // `mtime` can be set to any time, as a restore from a backup does; `ctime` cannot.
  return { mark: [dev, ino, mtimeNs, ctimeNs].join(" "), ageMs: Date.now() - Number(ctimeNs / 1_000_000n) };
};

const segmentsOf = (names: readonly string[]): Segments => {
  const spans = spansIn(names);
  const there = spans.filter(({ isThere }) => isThere);
  const firsts = there.map(({ first }) => first);
  const [oldest = Infinity, youngest = -Infinity] = [firsts[0], firsts.at(-1)];
  const holes = spans.filter(({ first, isThere }) => !isThere && first > oldest && first < youngest);
  return { firsts, sealed: there.slice(0, -1), holes: holes.map(({ first }) => first) };
};
