/** The files of start states, one beside the checkpoint of the same size. Few are kept: the newest ones, and older ones for when those are damaged. */
import { readWhole, replaceWhole, type Disk } from "./disk.ts";
import { readCheckpoint } from "./note.ts";
import { numbersIn, places } from "./places.ts";
import { readState, signState, type StartState, type StateSigner } from "./start-state.ts";
import { digestOf } from "./tree.ts";

const DAY_MS = 86_400_000;
const NEWEST = 3;
const OLDER_DAYS = 7;

type Place = { readonly disk: Disk; readonly dir: string };

/** Writes it, and deletes those that are no longer needed. `text`: from `stateText`. */
export const writeState = async (
  { disk, dir }: Place,
  { size, text }: { readonly size: number; readonly text: string },
  signer: StateSigner,
): Promise<void> => {
  const at = places(dir);
  await disk.makeDirectory(at.states);
  await replaceWhole(disk, at.state(size), Buffer.from(signState(text, signer)));
  await thinStates({ disk, dir });
};

/** The newest three stay, and of the last week the last of each day. */
export const thinStates = async ({ disk, dir }: Place, now = Date.now()): Promise<void> => {
  const at = places(dir);
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

/** Sizes of the states that are there, the newest first. */
export const stateSizes = async ({ disk, dir }: Place): Promise<number[]> => {
  const names = await disk.list(places(dir).states).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return numbersIn(names, "").toReversed();
};

/** The state of this size, which the checkpoint of the same size bears out. Throws an error that says why it cannot be used. */
export const loadState = async (place: Place, size: number, signer: StateSigner): Promise<StartState> => {
  const state = readState(await readText(place, places(place.dir).state(size)), signer);
  if (state.size !== size) throw new Error(`it is of ${state.size} entries`);
  const checkpoint = readCheckpoint(await readText(place, places(place.dir).checkpoint(size)));
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
      throw new Error("the checkpoint of the same size is gone", { cause: error });
    throw error;
  });
  return bytes.toString();
};
