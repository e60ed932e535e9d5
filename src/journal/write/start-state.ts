/**
 * What a start must know of the entries that it does not read, signed with the checkpoints' key. Each row of `PARTS` is one thing that the trail
 * knows: how it is saved, and how it is restored into a new trail. To add a part, add a row; states without it are passed over from then on.
 */
import type { KeyObject } from "node:crypto";
import type { Deleted } from "./entry.ts";
import { openNote, signNote } from "./note.ts";
import { Trail } from "./trail.ts";
import { createTree, digestBytes, digestOf, type Digest, type Tree } from "./tree.ts";

/** In whose name, and with which key, states are signed and read. */
export type StateSigner = { readonly origin: string; /** Ed25519, private. */ readonly key: KeyObject };

/** After the first `size` entries. */
export type StartState = {
  readonly size: number;
  readonly tree: Tree;
  /** The leaf hash of the last entry. */
  readonly leaf: Digest;
  /** Where the next entry's line begins: the segment, by its first index, and the byte in it. */
  readonly segment: number;
  readonly bytes: number;
  /** How many segments there were up to that one, those that were deleted included. */
  readonly segments: number;
  readonly trail: Trail;
  /** What others keep beside the journal, by name, as they saved it: JSON values. A state may be without. */
  readonly beside: Readonly<Record<string, unknown>>;
};

/** JSON values. `restore` is given what `save` gave, and a new trail; it may throw. `before`: of a state that is older than this part. */
type Part<Saved> = {
  readonly name: string;
  readonly save: (trail: Trail) => Saved;
  readonly restore: (trail: Trail, saved: Saved) => void;
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

/** In this order they are restored. */
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
    "set-aside",
    ({ asides }) => asides.save(),
    ({ asides }, saved) => asides.restore(saved),
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

/** A trail that knows the same, and goes its own way from here on. */
export const copyOf = (trail: Trail): Trail => restoreParts(savedParts(trail));

const savedParts = (trail: Trail): Record<string, unknown> =>
  Object.fromEntries(PARTS.map(({ name, save }) => [name, save(trail)]));

/** Throws when a part is missing, or is not what `save` gives. */
const restoreParts = (saved: Readonly<Record<string, unknown>>): Trail => {
  const trail = new Trail();
  for (const { name, restore, before } of PARTS) {
    const isSaved = Object.hasOwn(saved, name);
    if (!isSaved && before === undefined) throw new Error(`it has no part ${name}: another version wrote it`);
    restore(trail, isSaved ? saved[name] : before);
  }
  return trail;
};

/** No checkpoint begins so, and no other signed note of ours. */
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

/** The text to be signed, so that it can be made at one moment and signed at another. */
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

/** The root follows from the frontier. Throws an error that says in words why the state cannot be used. */
export const readState = (note: string, { origin, key }: StateSigner): StartState => {
  const text = openNote(note, origin, key);
  if (text === undefined)
    throw new Error("it is not signed by the config's checkpoint key: the key was replaced, or the file was changed");
  const [title, json = "", ...rest] = text.split("\n");
  if (title !== TITLE || rest.join("") !== "") throw new Error("another version wrote it");
  const { size, root, frontier, leaf, segment, bytes, segments, beside, parts, ...of } = JSON.parse(json) as Written;
  const tree = createTree({ size, roots: frontier.map(digestFrom) });
  if (of.origin !== origin || base64(tree.root()) !== root) throw new Error("its root is not that of its frontier");
  return { size, tree, leaf: digestFrom(leaf), segment, bytes, segments, beside, trail: restoreParts(parts) };
};

const digestFrom = (text: string): Digest => digestOf(Buffer.from(text, "base64"));
