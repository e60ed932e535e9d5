/**
 * What says that a journal's directory is whole, before anything more is signed in it: the anchor, the checkpoints
 * that were published, and the signature of its own last checkpoint. The gateway and every command that writes open
 * the journal by this.
 */
import type { KeyObject } from "node:crypto";
import { AnchorUnusable, readAnchor, type Anchored } from "./anchor.ts";
import type { Disk } from "./disk.ts";
import { readWhole } from "./disk.ts";
import { linesBehindRoot, readCheckpoint, signerOf, verifierKey, type Checkpoint } from "./note.ts";
import { numbersIn, places } from "./places.ts";
import { openSegment, segmentsIn } from "./segment.ts";

/** A line behind the root of a checkpoint: what was published before it was of lines that are not restored. */
export const RESTORED = "restored";

/** What a second place holds. `notes`: undefined where nothing can be read. */
export type Published = { readonly name: string; readonly notes: readonly string[] | undefined };

export type Trust = {
  readonly key: KeyObject;
  readonly origin: string;
  /** The anchor's file. */
  readonly anchor: string;
  readonly published: readonly Published[];
};

/** A checkpoint that lies outside the directory. `from`: as in "the checkpoint 7 of the anchor". */
export type SignedBefore = Checkpoint & { readonly from: string };

export type Evidence = {
  readonly anchor: Anchored | undefined;
  /** To be held against the lines. */
  readonly checkpoints: readonly SignedBefore[];
  /** Why nothing more may be signed, in sentences without a full stop. */
  readonly faults: readonly string[];
  /** What is no damage, and somebody should know. */
  readonly warnings: readonly string[];
  /** Size of the directory's own last checkpoint; undefined when there is none. */
  readonly last: number | undefined;
  /** Size of the newest checkpoint in each of the places, in their order; undefined where nothing can be read. */
  readonly published: readonly (number | undefined)[];
};

type Place = { readonly disk: Disk; readonly dir: string };

/** To be asked while the directory is locked. */
export const gatherEvidence = async (at: Place, trust: Trust): Promise<Evidence> => {
  const own = verifierKey(trust.origin, trust.key);
  const [anchor, fault] = await anchorOf(at, trust, own);
  const last = await lastOf(at);
  const keys = [own, ...(anchor?.keys ?? [])];
  const published = readPublished(trust, [...keys, ...(await keysBeside(at))], last !== undefined && last.size > 0);
  return {
    anchor,
    checkpoints: [...(anchor && anchor.size > 0 ? [{ ...anchor, from: "the anchor" }] : []), ...published.checkpoints],
    faults: [
      ...told(fault !== undefined, `${fault}`),
      // An anchor of nothing was made before the first entry: a crash came before the first checkpoint.
      ...told(
        !last && anchor?.size !== 0 && (await hasEntries(at)),
        `${at.dir} has entries and no checkpoint: its checkpoints were removed`,
      ),
      ...told(
        last?.isCheckpoint === true && signerOf(last.note, keys) === undefined,
        `the last checkpoint, ${last?.path}, is signed neither by the config's key nor by one that the anchor names`,
      ),
    ],
    warnings: [
      ...told(
        !anchor && fault === undefined && last !== undefined,
        `there is no anchor ${trust.anchor}: it is new, or it was removed. It is made of checkpoint ${last?.size}, ` +
          "and an older copy of the journal that came before it is not noticed",
      ),
      ...told(
        anchor !== undefined && anchor.keys.length > 0 && !anchor.keys.includes(own),
        `checkpoints are signed by another key than before: ${own}`,
      ),
      ...published.warnings,
    ],
    last: last?.size,
    published: published.newest,
  };
};

const told = (isSo: boolean, text: string): readonly string[] => (isSo ? [text] : []);

type AnchorOrFault = readonly [anchor?: Anchored | undefined, fault?: string];

const anchorOf = async ({ disk }: Place, { anchor, origin }: Trust, own: string): Promise<AnchorOrFault> => {
  try {
    return [await readAnchor(disk, anchor, { origin, own })];
  } catch (error) {
    if (error instanceof AnchorUnusable) return [undefined, error.message];
    throw error;
  }
};

/** At the very first start the directories are yet to be made. */
const listed = async (disk: Disk, path: string): Promise<readonly string[]> => {
  try {
    return await disk.list(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
};

type Last = { readonly size: number; readonly path: string; readonly note: string; readonly isCheckpoint: boolean };

const lastOf = async ({ disk, dir }: Place): Promise<Last | undefined> => {
  const size = numbersIn(await listed(disk, places(dir).checkpoints), "").at(-1);
  if (size === undefined) return undefined;
  const path = places(dir).checkpoint(size);
  const note = (await readWhole(disk, path)).toString();
  // What is none is told where the lines are held against it.
  return { size, path, note, isCheckpoint: readCheckpoint(note)?.size === size };
};

const hasEntries = async ({ disk, dir }: Place): Promise<boolean> => {
  const at = places(dir);
  const names = await listed(disk, at.segments);
  if (numbersIn(names, ".hashes").some((first) => first > 0)) return true;
  for (const first of segmentsIn(names)) {
    const file = await openSegment(disk, dir, first);
    try {
      if (first > 0 || (await file.size()) > 0) return true;
    } finally {
      await file.close();
    }
  }
  return false;
};

const keysBeside = async ({ disk, dir }: Place): Promise<readonly string[]> => {
  if (!(await disk.list(dir)).includes("checkpoint.pub")) return [];
  return (await readWhole(disk, places(dir).verifierKeys)).toString().split("\n").filter(Boolean);
};

type Read = {
  readonly checkpoints: readonly SignedBefore[];
  readonly newest: readonly (number | undefined)[];
  readonly warnings: readonly string[];
};

/** Of what others can write only what a known key signed counts. `isOld`: the journal has checkpoints itself. */
const readPublished = ({ origin, published }: Trust, keys: readonly string[], isOld: boolean): Read => {
  const read = published.map(({ name, notes }) => ({ name, notes, ...signedIn(notes ?? [], { origin, keys }) }));
  return {
    checkpoints: read.flatMap(({ name, checkpoints }) => checkpoints.map((each) => ({ ...each, from: name }))),
    newest: read.map(({ notes, checkpoints }) => notes && (checkpoints.at(-1)?.size ?? 0)),
    warnings: read.flatMap(({ name, notes, checkpoints, unsigned }) => [
      ...told(
        notes !== undefined && isOld && checkpoints.length === 0,
        `${name} holds no checkpoint of this journal, which has some: it is new, or it was removed or emptied`,
      ),
      ...told(
        unsigned > 0,
        `${name} holds ${unsigned} ${unsigned === 1 ? "checkpoint" : "checkpoints"} in this journal's name without a ` +
          "valid signature: they do not count, and who wrote them should be found out",
      ),
    ]),
  };
};

/** The newest one covers all that those before it cover; some earlier ones tell when the lines became others. */
const MOST_KEPT = 64;

type Known = { readonly origin: string; /** Verifier keys. */ readonly keys: readonly string[] };
type Signed = { readonly checkpoints: readonly Checkpoint[]; readonly unsigned: number };

/** The newest ones, in their order: from one that says that the journal was restored, which ends what was before it. */
export const signedIn = (notes: readonly string[], { origin, keys }: Known): Signed => {
  const checkpoints: Checkpoint[] = [];
  let unsigned = 0;
  for (const note of notes.toReversed()) {
    const checkpoint = readCheckpoint(note);
    if (checkpoint?.origin !== origin) continue;
    if (signerOf(note, keys) === undefined) {
      unsigned++;
      continue;
    }
    checkpoints.unshift(checkpoint);
    if (checkpoints.length === MOST_KEPT || linesBehindRoot(note).includes(RESTORED)) break;
  }
  return { checkpoints, unsigned };
};
