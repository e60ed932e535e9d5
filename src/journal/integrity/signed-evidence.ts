/**
 * Collects the evidence that a journal's directory is complete, before anything more is signed in it: the anchor, the
 * checkpoints in the sinks, and the signature of the last checkpoint. The gateway and all commands that write use it.
 */
import type { KeyObject } from "node:crypto";
import { AnchorUnusable, readAnchor, type Anchored } from "./checkpoints/anchor.ts";
import type { Disk } from "../disk.ts";
import { readWhole } from "../disk.ts";
import { linesBehindRoot, readCheckpoint, signerOf, verifierKey, type Checkpoint } from "./checkpoints/signed-note.ts";
import { numbersIn, paths } from "../paths.ts";
import { openSegment, segmentsIn } from "../segments/segment.ts";

/** The extra line of a checkpoint after a restore: earlier published checkpoints may cover lines that are lost. */
export const RESTORED = "restored";

/** The content of a checkpoint sink. `notes`: undefined if the sink cannot be read. */
export type PublishedCheckpoints = { readonly name: string; readonly notes: readonly string[] | undefined };

export type Trust = {
  readonly key: KeyObject;
  readonly origin: string;
  /** Path of the anchor. */
  readonly anchor: string;
  readonly published: readonly PublishedCheckpoints[];
};

/** A checkpoint from outside the directory. `from`: as in "checkpoint 7 of the anchor". */
export type SignedBefore = Checkpoint & { readonly from: string };

export type Evidence = {
  readonly anchor: Anchored | undefined;
  /** The lines must match them. */
  readonly checkpoints: readonly SignedBefore[];
  /** Reasons to refuse signing, as sentences without a full stop. */
  readonly faults: readonly string[];
  /** Observations that are no damage, but that the operator should know. */
  readonly warnings: readonly string[];
  /** Size of the directory's last checkpoint; undefined if there is none. */
  readonly last: number | undefined;
  /** Size of the newest checkpoint in each sink, in order; undefined if the sink cannot be read. */
  readonly published: readonly (number | undefined)[];
};

type Place = { readonly disk: Disk; readonly dir: string };

/** Call it while the directory is locked. */
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
      ...sentenceIf(fault !== undefined, `${fault}`),
      // An anchor of size 0 is written before the first entry, so a crash before the first checkpoint is fine.
      ...sentenceIf(
        !last && anchor?.size !== 0 && (await hasEntries(at)),
        `${at.dir} has entries and no checkpoint: its checkpoints were removed`,
      ),
      ...sentenceIf(
        last?.isCheckpoint === true && signerOf(last.note, keys) === undefined,
        `the last checkpoint, ${last?.path}, is signed neither by the config's key nor by one that the anchor names`,
      ),
    ],
    warnings: [
      ...sentenceIf(
        !anchor && fault === undefined && last !== undefined,
        `there is no anchor ${trust.anchor}: it is new, or it was removed. It is made of checkpoint ` +
          `${last?.size}, and an older copy of the journal that came before it is not noticed`,
      ),
      ...sentenceIf(
        anchor !== undefined && anchor.keys.length > 0 && !anchor.keys.includes(own),
        `checkpoints are signed by another key than before: ${own}`,
      ),
      ...published.warnings,
    ],
    last: last?.size,
    published: published.newest,
  };
};

const sentenceIf = (isSo: boolean, text: string): readonly string[] => (isSo ? [text] : []);

type AnchorOrFault = readonly [anchor?: Anchored | undefined, fault?: string];

const anchorOf = async ({ disk }: Place, { anchor, origin }: Trust, own: string): Promise<AnchorOrFault> => {
  try {
    return [await readAnchor(disk, anchor, { origin, own })];
  } catch (error) {
    if (error instanceof AnchorUnusable) return [undefined, error.message];
    throw error;
  }
};

/** Before the first start the directories do not exist. */
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
  const size = numbersIn(await listed(disk, paths(dir).checkpoints), "").at(-1);
  if (size === undefined) return undefined;
  const path = paths(dir).checkpoint(size);
  const note = (await readWhole(disk, path)).toString();
  // A file that is not a checkpoint is reported when the lines are compared with it.
  return { size, path, note, isCheckpoint: readCheckpoint(note)?.size === size };
};

const hasEntries = async ({ disk, dir }: Place): Promise<boolean> => {
  const at = paths(dir);
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
  return (await readWhole(disk, paths(dir).verifierKeys)).toString().split("\n").filter(Boolean);
};

type Read = {
  readonly checkpoints: readonly SignedBefore[];
  readonly newest: readonly (number | undefined)[];
  readonly warnings: readonly string[];
};

/** Others can write to sinks, so only notes with a known signature count. `isOld`: the journal has checkpoints. */
const readPublished = ({ origin, published }: Trust, keys: readonly string[], isOld: boolean): Read => {
  const read = published.map(({ name, notes }) => ({ name, notes, ...signedIn(notes ?? [], { origin, keys }) }));
  return {
    checkpoints: read.flatMap(({ name, checkpoints }) => checkpoints.map((each) => ({ ...each, from: name }))),
    newest: read.map(({ notes, checkpoints }) => notes && (checkpoints.at(-1)?.size ?? 0)),
    warnings: read.flatMap(({ name, notes, checkpoints, unsigned }) => [
      ...sentenceIf(
        notes !== undefined && isOld && checkpoints.length === 0,
        `${name} holds no checkpoint of this journal, which has some: it is new, or it was removed or emptied`,
      ),
      ...sentenceIf(
        unsigned > 0,
        `${name} holds ${unsigned} ${unsigned === 1 ? "checkpoint" : "checkpoints"} in this journal's name ` +
          "without a valid signature: they do not count, and who wrote them should be found out",
      ),
    ]),
  };
};

/** The newest checkpoint covers everything; some earlier ones show when lines were changed. */
const MOST_KEPT = 64;

type Known = { readonly origin: string; /** Verifier keys. */ readonly keys: readonly string[] };
type Signed = { readonly checkpoints: readonly Checkpoint[]; readonly unsigned: number };

/** The newest valid checkpoints, in order, not beyond one that records a restore. */
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
