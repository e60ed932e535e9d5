/**
 * The files of start states, each beside the checkpoint of the same size. The newest ones are kept, and a few older
 * ones in case those are damaged.
 */
import { readWhole, replaceWhole, type Disk } from "./disk.ts";
import { readCheckpoint } from "./integrity/checkpoints/signed-note.ts";
import { numbersIn, paths } from "./paths.ts";
import { readState, signState, type StartState, type StateSigner } from "./write/start-state.ts";
import { digestOf } from "./integrity/merkle-tree.ts";

const DAY_MS = 86_400_000;
const NEWEST = 3;
const OLDER_DAYS = 7;

type Place = { readonly disk: Disk; readonly dir: string };

/** Writes a state, and deletes those that are no longer needed. `text`: from `stateText`. */
export const writeState = async (
  { disk, dir }: Place,
  { size, text }: { readonly size: number; readonly text: string },
  signer: StateSigner,
): Promise<void> => {
  const at = paths(dir);
  await disk.makeDirectory(at.states);
  await replaceWhole(disk, at.state(size), Buffer.from(signState(text, signer)));
  await thinStates({ disk, dir });
};

/** Keeps the newest three, and the last one of each day of the last week. */
export const thinStates = async ({ disk, dir }: Place, now = Date.now()): Promise<void> => {
  const at = paths(dir);
  const days = new Set<number>();
  let isGone = false;
  for (const size of numbersIn(await disk.list(at.states), "")
    .toReversed()
    .slice(NEWEST)) {
    const day = Math.floor((await disk.modified(at.state(size))) / DAY_MS);
    const isLastOfDay = !days.has(day) && now - day * DAY_MS < OLDER_DAYS * DAY_MS;
    days.add(day);
    if (isLastOfDay) continue;
    await disk.remove(at.state(size));
    isGone = true;
  }
  if (isGone) await disk.syncDirectory(at.states);
};

/** The sizes of the existing states, newest first. */
export const stateSizes = async ({ disk, dir }: Place): Promise<number[]> => {
  const names = await disk.list(paths(dir).states).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return numbersIn(names, "").toReversed();
};

/**
 * The state of this size, if the checkpoint of the same size confirms it. Throws an error that says why it cannot be
 * used.
 */
export const loadState = async (place: Place, size: number, signer: StateSigner): Promise<StartState> => {
  const state = readState(await readText(place, paths(place.dir).state(size)), signer);
  if (state.size !== size) throw new Error(`it is of ${state.size} entries`);
  const checkpoint = readCheckpoint(await readText(place, paths(place.dir).checkpoint(size)));
  if (
    checkpoint?.size !== size ||
    checkpoint.origin !== signer.origin ||
    digestOf(checkpoint.root) !== state.tree.root()
  ) {
    throw new Error("the checkpoint of the same size has another root");
  }
  return state;
};

const readText = async ({ disk }: Place, path: string): Promise<string> => {
  const bytes = await readWhole(disk, path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Error("the checkpoint of the same size is missing", { cause: error });
    throw error;
  });
  return bytes.toString();
};
