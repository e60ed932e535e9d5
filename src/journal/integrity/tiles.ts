/**
 * The tree above the leaf hashes, with 256 children per stored node as in C2SP tlog-tiles: `tiles/1` holds the roots of
 * each 256 leaves, `tiles/2` of each 65,536, `tiles/3` of each 16,777,216, 32 bytes each, in order. So the path of an
 * entry takes a few reads, however old the journal is. Tiles are no evidence: they are rebuilt from the leaf hashes,
 * and a path counts only if it leads to a signed root.
 */
import { readAll, readWhole, writeAll, type Disk, type DiskFile } from "../disk.ts";
import { readCheckpoint } from "./checkpoints/signed-note.ts";
import { numbersIn, paths } from "../paths.ts";
import { digestBytes, DIGEST_BYTES, digestOf, EMPTY_ROOT, nodeHash, rootOf, type Digest } from "./merkle-tree.ts";

const BITS = 8;
const WIDTH = 2 ** BITS;
const LEVELS = [1, 2, 3] as const;
const MOST_KEPT = 256;
/** Nodes computed before the event loop gets a turn. */
const STEP = 4;

/** The nodes of each level on disk; level 0 is the leaf hashes. */
class Nodes {
  readonly #disk: Disk;
  readonly #dir: string;
  #firsts: Promise<number[]> | undefined;
  readonly #files = new Map<string, Promise<DiskFile | undefined>>();

  constructor(disk: Disk, dir: string) {
    this.#disk = disk;
    this.#dir = dir;
  }

  /** Returns fewer at the end of the level. */
  async read(level: number, from: number, count: number): Promise<Digest[]> {
    return level === 0 ? this.#leaves(from, count) : this.#from(paths(this.#dir).tiles(level), from, count);
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await (await file)?.close();
    this.#files.clear();
  }

  async #leaves(from: number, count: number): Promise<Digest[]> {
    this.#firsts ??= this.#disk.list(paths(this.#dir).segments).then((names) => numbersIn(names, ".hashes"));
    const firsts = await this.#firsts;
    const leaves: Digest[] = [];
    for (
      let at = Math.max(
        0,
        firsts.findLastIndex((first) => first <= from),
      );
      at < firsts.length && leaves.length < count;
      at++
    ) {
      const [first, next] = [firsts[at]!, firsts[at + 1] ?? Number.POSITIVE_INFINITY];
      const wanted = from + leaves.length;
      const found = await this.#from(
        paths(this.#dir).leaves(first),
        wanted - first,
        Math.min(count - leaves.length, next - wanted),
      );
      leaves.push(...found);
      if (found.length < next - wanted) break;
    }
    return leaves;
  }

  async #from(path: string, from: number, count: number): Promise<Digest[]> {
    if (from < 0 || count <= 0) return [];
    const opened =
      this.#files.get(path) ??
      this.#disk.open(path, "read").catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        return undefined;
      });
    this.#files.set(path, opened);
    const file = await opened;
    if (!file) return [];
    const bytes = await readAll(file, from * DIGEST_BYTES, count * DIGEST_BYTES);
    return Array.from({ length: Math.floor(bytes.length / DIGEST_BYTES) }, (_, at) =>
      digestOf(bytes.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)),
    );
  }
}

/** A leaf hash that the tree needs is missing. */
export class LeavesMissing extends Error {
  override readonly name = "LeavesMissing";
}

/** Root and proofs of the tree over the first `size` entries. Close it after use. */
export class Tiles {
  readonly #nodes: Nodes;
  readonly size: number;
  readonly #kept = new Map<string, Promise<Digest[]>>();
  readonly #made: Map<string, Digest>;

  /**
   * `made`: nodes computed from those below because the files lack them, by level and position. They never change, so a
   * caller that asks repeatedly while the journal grows can keep them: then only new leaf hashes are read.
   */
  constructor(disk: Disk, dir: string, size: number, made = new Map<string, Digest>()) {
    this.#nodes = new Nodes(disk, dir);
    this.size = size;
    this.#made = made;
  }

  close(): Promise<void> {
    return this.#nodes.close();
  }

  /** Rejects with LeavesMissing. */
  root(): Promise<Digest> {
    return this.#range(0, this.size);
  }

  /** PATH(index, D[size]) of RFC 6962: sibling hashes from the leaf up. Rejects with LeavesMissing. */
  async of(index: number): Promise<Digest[]> {
    const siblings: Promise<Digest>[] = [];
    for (let [from, to] = [0, this.size]; to - from > 1;) {
      const middle = from + 2 ** (bitsOf(to - from) - 1);
      siblings.push(index < middle ? this.#range(middle, to) : this.#range(from, middle));
      [from, to] = index < middle ? [from, middle] : [middle, to];
    }
    return (await Promise.all(siblings)).toReversed();
  }

  /**
   * PROOF(before, D[size]) of RFC 6962, 2.1.2: this tree extends that of its first `before` entries. Empty if `before`
   * is 0 or `size`. Rejects with LeavesMissing.
   */
  async consistency(before: number): Promise<Digest[]> {
    const path: Promise<Digest>[] = [];
    let [from, to] = [0, before === 0 ? 0 : this.size];
    while (to > before) {
      const middle = from + 2 ** (bitsOf(to - from) - 1);
      path.push(before <= middle ? this.#range(middle, to) : this.#range(from, middle));
      [from, to] = before <= middle ? [from, middle] : [middle, to];
    }
    // The caller knows the root of the smaller tree itself.
    return [...(from > 0 ? [await this.#range(from, to)] : []), ...(await Promise.all(path)).toReversed()];
  }

  /** The root over the leaves from `from`, the start of a subtree, to before `to`. */
  async #range(from: number, to: number): Promise<Digest> {
    if (from === to) return EMPTY_ROOT;
    if (to - from === 1) return this.#node(0, from);
    const height = bitsOf(to - from);
    if (2 ** height === to - from) return this.#node(height, from / 2 ** height);
    const middle = from + 2 ** (height - 1);
    return nodeHash(await this.#range(from, middle), await this.#range(middle, to));
  }

  /** The root of the full subtree over 2^height leaves. */
  async #node(height: number, place: number): Promise<Digest> {
    const level = Math.min(Math.floor(height / BITS), LEVELS.length);
    const width = 2 ** (height - level * BITS);
    if (width > WIDTH)
      return nodeHash(await this.#node(height - 1, 2 * place), await this.#node(height - 1, 2 * place + 1));
    const start = (place * width) % WIDTH;
    const tile = await this.#tile(level, Math.floor((place * width) / WIDTH));
    if (tile.length >= start + width) return rootOf(tile.slice(start, start + width));
    if (level === 0) throw new LeavesMissing(`the leaf hashes of the entries from ${place * width} on are missing`);
    // Not in the files yet: compute it from the level below.
    return rootOf(await Promise.all(Array.from({ length: width }, (_, at) => this.#below(level, place * width + at))));
  }

  async #below(level: number, place: number): Promise<Digest> {
    const key = `${level} ${place}`;
    const known = this.#made.get(key) ?? (await this.#tile(level, Math.floor(place / WIDTH)))[place % WIDTH];
    if (known !== undefined) return known;
    const made = await this.#fromBelow(level, place);
    this.#made.set(key, made);
    return made;
  }

  async #fromBelow(level: number, place: number): Promise<Digest> {
    const tile = await this.#tile(level - 1, place);
    if (tile.length === WIDTH) return rootOf(tile);
    if (level === 1)
      throw new LeavesMissing(`the leaf hashes of the entries from ${place * WIDTH + tile.length} on are missing`);
    return rootOf(
      await Promise.all(Array.from({ length: WIDTH }, (_, at) => this.#below(level - 1, place * WIDTH + at))),
    );
  }

  /** Up to 256 nodes with the same parent. */
  #tile(level: number, place: number): Promise<Digest[]> {
    const key = `${level} ${place}`;
    const kept = this.#kept.get(key) ?? this.#nodes.read(level, place * WIDTH, WIDTH);
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(key, kept);
    return kept;
  }
}

/** The smallest number of bits whose power of two is at least `count`. */
const bitsOf = (count: number): number => {
  let bits = 0;
  while (2 ** bits < count) bits++;
  return bits;
};

type Place = { readonly disk: Disk; readonly dir: string; readonly isStopped?: () => boolean };

/**
 * Adds the tiles of the entries below the last checkpoint. If the existing tiles do not lead to its root, they are
 * rebuilt once. Only a process that may write to the journal's directory may call it. Rejects when the leaf hashes
 * themselves do not lead to the root.
 */
export const extendTiles = async (place: Place): Promise<void> => {
  const { disk, dir, isStopped = () => false } = place;
  const at = paths(dir);
  const size = numbersIn(await disk.list(at.checkpoints), "").at(-1);
  if (size === undefined) return;
  const signed = readCheckpoint((await readWhole(disk, at.checkpoint(size))).toString());
  await disk.makeDirectory(at.tilesDirectory);
  for (const fromNothing of [false, true]) {
    for (const level of LEVELS) await extend({ ...place, level, size, fromNothing });
    if (isStopped()) return;
    const tiles = new Tiles(disk, dir, size);
    try {
      if (digestBytes(await tiles.root()).equals(signed?.root ?? Buffer.alloc(0))) return;
    } finally {
      await tiles.close();
    }
  }
  throw new Error(
    `the leaf hashes of the first ${size} entries do not have the root that checkpoint ${size} signed. To find ` +
      "out why: ocsgw audit verify -c FILE",
  );
};

type Extending = Place & { readonly level: number; readonly size: number; readonly fromNothing: boolean };

const extend = async ({ disk, dir, level, size, fromNothing, isStopped = () => false }: Extending): Promise<void> => {
  const whole = Math.floor(size / WIDTH ** level);
  const nodes = new Nodes(disk, dir);
  const file = await disk.open(paths(dir).tiles(level), "create");
  try {
    if (fromNothing) await file.truncate(0);
    for (let made = Math.floor((await file.size()) / DIGEST_BYTES); made < whole && !isStopped();) {
      const count = Math.min(STEP, whole - made);
      const below = await nodes.read(level - 1, made * WIDTH, count * WIDTH);
      if (below.length < count * WIDTH) return;
      const roots = Array.from({ length: count }, (_, at) => digestBytes(rootOf(below, at * WIDTH, (at + 1) * WIDTH)));
      await writeAll(file, Buffer.concat(roots), made * DIGEST_BYTES);
      made += count;
    }
  } finally {
    await nodes.close();
    await file.close();
  }
};
