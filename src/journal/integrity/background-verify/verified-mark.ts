/** The "verified to N" mark: signed with the checkpoints' key, so that a later verification may begin there, and a later run go on. One file. */
import type { Aside } from "../asides.ts";
import { readWhole, replaceWhole, type Disk } from "../disk.ts";
import { openNote, signNote } from "../note.ts";
import { places } from "../places.ts";
import type { StateSigner } from "../start-state.ts";
import { digestBytes, digestOf, type Digest } from "../tree.ts";
import type { Verified } from "./reread.ts";

const TITLE = "ocsgw verified mark, format 1";

const base64 = (digest: Digest): string => digestBytes(digest).toString("base64");
const digestFrom = (text: string): Digest => digestOf(Buffer.from(text, "base64"));

type Place = { readonly disk: Disk; readonly dir: string };
/** When the reading began with the first entry, and when it came to the mark, in milliseconds since 1970. */
export type Mark = Verified & { readonly began: number; readonly at: number };

export const writeMark = (
  { disk, dir }: Place,
  { root, roots, size, segment, dnc, asides, began, at }: Mark,
  { origin, key }: StateSigner,
): Promise<void> => {
  const text = `${TITLE}\n${JSON.stringify({ origin, size, root: base64(root), frontier: roots.map(base64), segment, dnc, ...(asides.length > 0 && { set_aside: asides }), began: new Date(began).toISOString(), at: new Date(at).toISOString() })}\n`;
  return replaceWhole(disk, places(dir).mark, Buffer.from(signNote(text, origin, key)));
};

/** What was verified is not any more. */
export const removeMark = async ({ disk, dir }: Place): Promise<void> => {
  try {
    await disk.remove(places(dir).mark);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await disk.syncDirectory(dir);
};

type Written = {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly frontier: readonly string[];
  readonly segment: number;
  readonly dnc: Readonly<Record<string, number>>;
  readonly set_aside?: readonly Aside[];
  readonly began: string;
  readonly at: string;
};

/** Undefined when there is none that this key signed: then everything is read again. */
export const readMark = async ({ disk, dir }: Place, { origin, key }: StateSigner): Promise<Mark | undefined> => {
  try {
    const [title, json = ""] =
      openNote((await readWhole(disk, places(dir).mark)).toString(), origin, key)?.split("\n") ?? [];
    if (title !== TITLE) return undefined;
    const { size, root, frontier, segment, dnc, set_aside: asides = [], began, at } = JSON.parse(json) as Written;
    return {
      size,
      root: digestFrom(root),
      roots: frontier.map(digestFrom),
      segment,
      dnc,
      asides,
      began: Date.parse(began),
      at: Date.parse(at),
    };
  } catch {
    return undefined;
  }
};
