/**
 * The "verified to N" mark: a file signed with the checkpoint key. A later verification can start at it, and the next
 * run of the gateway can continue from it.
 */
import type { SetAsideRange } from "../../segments/set-aside-ranges.ts";
import { readWhole, replaceWhole, type Disk } from "../../disk.ts";
import { openNote, signNote } from "../checkpoints/signed-note.ts";
import { paths } from "../../paths.ts";
import type { StateSigner } from "../../write/start-state.ts";
import { digestBytes, digestOf, type Digest } from "../merkle-tree.ts";
import type { Verified } from "./background-verify.ts";

const TITLE = "ocsgw verified mark, format 1";

const base64 = (digest: Digest): string => digestBytes(digest).toString("base64");
const digestFrom = (text: string): Digest => digestOf(Buffer.from(text, "base64"));

type Place = { readonly disk: Disk; readonly dir: string };
/** `began`: when the verification read the first entry; `at`: when it reached the mark. Milliseconds since 1970. */
export type Mark = Verified & { readonly began: number; readonly at: number };

export const writeMark = (
  { disk, dir }: Place,
  { root, roots, size, segment, dnc, setAsideRanges, began, at }: Mark,
  { origin, key }: StateSigner,
): Promise<void> => {
  const mark = {
    origin,
    size,
    root: base64(root),
    frontier: roots.map(base64),
    segment,
    dnc,
    ...(setAsideRanges.length > 0 && { set_aside: setAsideRanges }),
    began: new Date(began).toISOString(),
    at: new Date(at).toISOString(),
  };
  const text = `${TITLE}\n${JSON.stringify(mark)}\n`;
  return replaceWhole(disk, paths(dir).mark, Buffer.from(signNote(text, origin, key)));
};

/** Removes the mark, because verified entries were found damaged. */
export const removeMark = async ({ disk, dir }: Place): Promise<void> => {
  try {
    await disk.remove(paths(dir).mark);
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
  readonly set_aside?: readonly SetAsideRange[];
  readonly began: string;
  readonly at: string;
};

/** Undefined if there is no mark that this key signed; then everything is verified again. */
export const readMark = async ({ disk, dir }: Place, { origin, key }: StateSigner): Promise<Mark | undefined> => {
  try {
    const [title, json = ""] =
      openNote((await readWhole(disk, paths(dir).mark)).toString(), origin, key)?.split("\n") ?? [];
    if (title !== TITLE) return undefined;
    const {
      size,
      root,
      frontier,
      segment,
      dnc,
      set_aside: setAsideRanges = [],
      began,
      at,
    } = JSON.parse(json) as Written;
    return {
      size,
      root: digestFrom(root),
      roots: frontier.map(digestFrom),
      segment,
      dnc,
      setAsideRanges,
      began: Date.parse(began),
      at: Date.parse(at),
    };
  } catch {
    return undefined;
  }
};
