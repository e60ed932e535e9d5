/**
 * What a start must know of the entries that it does not read, signed with the checkpoints' key. Each row of `PARTS` is
 * one part: how it is saved, and how it is restored into a new scan. To add a part, add a row; states without it are
 * then passed over.
 */
import type { KeyObject } from "node:crypto";
import type { Deleted } from "../entry.ts";
import { openNote, signNote } from "../integrity/checkpoints/signed-note.ts";
import { RecoveryScan } from "./recovery/recovery-scan.ts";
import { createTree, digestBytes, digestOf, type Digest, type Tree } from "../integrity/merkle-tree.ts";

/** The origin and the key with which states are signed and verified. */
export type StateSigner = { readonly origin: string; /** Ed25519, private. */ readonly key: KeyObject };

/** The state after the first `size` entries. */
export type StartState = {
  readonly size: number;
  readonly tree: Tree;
  /** The leaf hash of the last entry. */
  readonly leaf: Digest;
  /** The position of the next entry's line: the first index of its segment, and the byte in it. */
  readonly segment: number;
  readonly bytes: number;
  /** How many segments there were up to that one, including deleted ones. */
  readonly segments: number;
  readonly trail: RecoveryScan;
  /** What other parts saved, by name: JSON values. A state may lack it. */
  readonly beside: Readonly<Record<string, unknown>>;
};

/**
 * Saved values are JSON. `restore` gets the saved value and a new scan; it may throw. `before`: the value for a state
 * that is older than this part.
 */
type Part<Saved> = {
  readonly name: string;
  readonly save: (trail: RecoveryScan) => Saved;
  readonly restore: (trail: RecoveryScan, saved: Saved) => void;
  readonly before?: Saved;
};

const part = <Saved>(
  name: string,
  save: Part<Saved>["save"],
  restore: Part<Saved>["restore"],
  before?: Saved,
): Part<unknown> => ({
  name,
  save,
  restore: (trail, saved) => restore(trail, saved as Saved),
  ...(before !== undefined && { before }),
});

/** Parts are restored in this order. */
export const PARTS: readonly Part<unknown>[] = [
  part(
    "open-intents",
    ({ open }) => [...open],
    ({ open }, saved) => saved.forEach(([id, index]) => open.set(id, index)),
  ),
  part(
    "deleted",
    ({ deleted }) => deleted ?? null,
    (trail, saved: Deleted | null) => void (trail.deleted = saved ?? undefined),
  ),
  part(
    "deleted-by",
    ({ deletedBy }) => deletedBy ?? null,
    (trail, saved: number | null) => void (trail.deletedBy = saved ?? undefined),
    null,
  ),
  part(
    "set-aside",
    ({ setAsideRanges }) => setAsideRanges.save(),
    ({ setAsideRanges }, saved) => setAsideRanges.restore(saved),
    [],
  ),
  part(
    "dnc-numbers",
    ({ numbers }) => numbers.save(),
    ({ numbers }, saved) => numbers.restore(saved),
  ),
  part(
    "index-keys",
    ({ keys }) => keys.save(),
    ({ keys }, saved) => keys.restore(saved),
  ),
  part(
    "revocations",
    ({ revoked }) => revoked.save(),
    ({ revoked }, saved) => revoked.restore(saved),
  ),
  part(
    "clock",
    ({ clock }) => clock.save(),
    ({ clock }, saved) => clock.restore(saved),
  ),
];

/** An independent copy of the scan. */
export const copyOf = (trail: RecoveryScan): RecoveryScan => restoreParts(savedParts(trail));

const savedParts = (trail: RecoveryScan): Record<string, unknown> =>
  Object.fromEntries(PARTS.map(({ name, save }) => [name, save(trail)]));

/** Throws when a part is missing or malformed. */
const restoreParts = (saved: Readonly<Record<string, unknown>>): RecoveryScan => {
  const trail = new RecoveryScan();
  for (const { name, restore, before } of PARTS) {
    const isSaved = Object.hasOwn(saved, name);
    if (!isSaved && before === undefined) throw new Error(`it has no part ${name}: another version wrote it`);
    restore(trail, isSaved ? saved[name] : before);
  }
  return trail;
};

/** No checkpoint and no other signed note of the gateway begins with it. */
const TITLE = "ocsgw start state, format 1";

type Written = {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly frontier: readonly string[];
  readonly leaf: string;
  readonly segment: number;
  readonly bytes: number;
  readonly segments: number;
  readonly beside: Readonly<Record<string, unknown>>;
  readonly parts: Readonly<Record<string, unknown>>;
};

const base64 = (digest: Digest): string => digestBytes(digest).toString("base64");

/** The text to sign; signing may happen later. */
export const stateText = (
  { size, tree, leaf, segment, bytes, segments, trail, beside }: StartState,
  origin: string,
): string => {
  const written: Written = {
    origin,
    size,
    root: base64(tree.root()),
    frontier: tree.frontier().map(base64),
    leaf: base64(leaf),
    segment,
    bytes,
    segments,
    beside,
    parts: savedParts(trail),
  };
  return `${TITLE}\n${JSON.stringify(written)}\n`;
};

export const signState = (text: string, { origin, key }: StateSigner): string => signNote(text, origin, key);

/**
 * Verifies and parses a signed state; the root follows from the frontier. Throws an error that says why the state
 * cannot be used.
 */
export const readState = (note: string, { origin, key }: StateSigner): StartState => {
  const text = openNote(note, origin, key);
  if (text === undefined)
    throw new Error("it is not signed by the config's checkpoint key: the key was replaced, or the file was changed");
  const [title, json = "", ...rest] = text.split("\n");
  if (title !== TITLE || rest.join("") !== "") throw new Error("another version wrote it");
  const { size, root, frontier, leaf, segment, bytes, segments, beside, parts, ...of } = JSON.parse(json) as Written;
  const tree = createTree({ size, roots: frontier.map(digestFrom) });
  if (of.origin !== origin || base64(tree.root()) !== root) throw new Error("its root does not match its frontier");
  return { size, tree, leaf: digestFrom(leaf), segment, bytes, segments, beside, trail: restoreParts(parts) };
};

const digestFrom = (text: string): Digest => digestOf(Buffer.from(text, "base64"));
