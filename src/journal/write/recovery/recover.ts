/**
 * Reads the existing journal when it is opened: the lines above the newest start state, or every line if no state can
 * be used. The tree grows by them and is compared with every checkpoint on the way. A torn end left by a crash is cut
 * off; any other contradiction is an error, because the gateway would go on to sign it.
 */
import type { Disk, OpenMode } from "../../disk.ts";
import { JournalDamaged } from "../../errors.ts";
import { LeafHashes } from "../../integrity/leaf-hashes.ts";
import { createTree, type Digest, type Tree } from "../../integrity/merkle-tree.ts";
import { numbersIn, paths } from "../../paths.ts";
import { compressedIn, segmentsIn } from "../../segments/segment.ts";
import { loadState, stateSizes } from "../../states.ts";
import { faultInWords } from "../../../common/system-error.ts";
import { nextOf, passHashes, requireDeletions, requireRetired } from "./absent-entries.ts";
import { endOf, named, requireSigned, type Reading } from "./reading.ts";
import { recoverSegments, type Last, type LastSegment, type TornTail } from "./recover-segments.ts";
import { RecoveryScan } from "./recovery-scan.ts";
import { requireReached, requireSegments } from "./resume.ts";
import { addPublished, readSigned, type PublishedCheckpoint } from "./signed-roots.ts";
import type { StartState, StateSigner } from "../start-state.ts";

/** `number`: how many segments there were up to it, including deleted ones. */
export type Tail = LastSegment & { readonly number: number };

export type Recovered = {
  readonly tree: Tree;
  readonly leaves: LeafHashes;
  readonly trail: RecoveryScan;
  /** The last segment, open for writing; undefined when there is none yet. */
  readonly tail: Tail | undefined;
  readonly torn: TornTail | undefined;
  /** Of the last entry; undefined when there is none, or only its hash is left. */
  readonly leaf: Digest | undefined;
  readonly openedFrom: OpenedFrom;
};

/** The entry at which reading began, and which states, by size, could not be used and why. */
export type OpenedFrom = {
  readonly at: number;
  readonly rejectedStates: readonly RejectedState[];
  /** What other parts saved with the start state at that entry: see `JournalOptions.beside`. */
  readonly beside: Readonly<Record<string, unknown>>;
};
export type RejectedState = { readonly size: number; readonly reason: string };

export type RecoverOptions = {
  readonly disk: Disk;
  readonly dir: string;
  readonly how: Exclude<OpenMode, "read">;
  /** Checkpoints of this journal that are stored elsewhere; the journal must agree with them too. */
  readonly published: readonly PublishedCheckpoint[];
  /** The signer of start states; without it every line is read. */
  readonly states?: StateSigner | undefined;
  /** As in `JournalOptions`. */
  readonly damaged?: readonly number[] | undefined;
};

/** Creates missing directories. Throws JournalDamaged. */
export const recover = async (options: RecoverOptions): Promise<Recovered> => {
  const { disk, dir, states, published } = options;
  const at = paths(dir);
  await disk.makeDirectory(at.segments);
  await disk.makeDirectory(at.checkpoints);
  const rejectedStates: RejectedState[] = [];
  for (const size of states ? await stateSizes({ disk, dir }) : []) {
    try {
      const state = await loadState({ disk, dir }, size, states!);
      requireReached(state, published);
      return {
        ...(await read(options, state)),
        openedFrom: { at: size, rejectedStates, beside: state.beside },
      };
    } catch (error) {
      // Whatever the error: an older state, or finally all lines, shows whether the journal is damaged or only this
      // state.
      rejectedStates.push({ size, reason: faultInWords(error) });
    }
  }
  return { ...(await read(options, undefined)), openedFrom: { at: 0, rejectedStates, beside: {} } };
};

const read = async (
  { disk, dir, how, published, damaged = [] }: RecoverOptions,
  state: StartState | undefined,
): Promise<Omit<Recovered, "openedFrom">> => {
  const at = paths(dir);
  const signed = await readSigned(disk, at, state?.size ?? 0);
  const publishedNames = addPublished(
    signed,
    published.filter(({ size }) => size >= (state?.size ?? 0)),
  );
  const covered = [...signed.keys()].reduce((most, size) => Math.max(most, size), 0);
  const reading: Reading = {
    disk,
    dir,
    how,
    at,
    signed,
    publishedNames,
    covered,
    holes: [],
    deleted: new Map(),
    state,
    tree: state?.tree ?? createTree(),
    leaves: new LeafHashes(disk, at),
    trail: state?.trail ?? new RecoveryScan(),
    leaf: state?.leaf,
  };
  if (state) requireSigned(reading, "which were not read,");
  let last: Last | undefined;
  try {
    const names = await disk.list(at.segments);
    const [firsts, hashes] = [segmentsIn(names), numbersIn(names, ".hashes")];
    if (state) requireSegments(state, { segments: firsts, hashes, damaged });
    else await passHashes(reading, hashes, firsts[0] ?? 0);
    const segments = firsts.filter((first) => first >= (state?.segment ?? 0));
    last = await recoverSegments(reading, { firsts: segments, hashes, compressed: compressedIn(names), damaged });
    requireRetired(reading, {
      first: firsts[0] ?? 0,
      damaged: damaged.map((each) => ({ from: each, to: nextOf(hashes, each) })),
    });
    requireDeletions(reading);
    if (reading.covered > reading.tree.size())
      throw new JournalDamaged(
        `${named(reading, reading.covered)} covers ${reading.covered} entries, the journal ${endOf(reading.tree)}`,
      );
    await reading.leaves.write();
    await disk.syncDirectory(at.segments);
    return {
      tree: reading.tree,
      leaves: reading.leaves,
      trail: reading.trail,
      leaf: reading.leaf,
      torn: last.torn,
      tail: last.tail && { ...last.tail, number: new Set([...hashes, ...firsts]).size },
    };
  } catch (error) {
    await Promise.allSettled([reading.leaves.close(), last?.tail?.file.close()]);
    throw error;
  }
};
