/**
 * Accepts a journal that was restored from a copy, moved, or lost its checkpoints: an entry says what was signed before
 * and who accepted it, and a checkpoint that is marked so ends what was published of the lines that are gone.
 */
import { Anchor } from "./anchor.ts";
import { openJournal, type Journal } from "./append.ts";
import { createCheckpoints } from "./checkpoint.ts";
import { nodeDisk, readWhole, type Disk } from "./disk.ts";
import type { Alarm } from "./entry.ts";
import { gatherEvidence, RESTORED, type Evidence, type Trust } from "./evidence.ts";
import type { Lock } from "./lock.ts";
import { readCheckpoint, type Checkpoint } from "./note.ts";
import { openChecked } from "./open-checked.ts";
import { places } from "./places.ts";
import { JournalDamaged } from "./recover.ts";

export type Acceptance = {
  readonly dir: string;
  readonly trust: Trust;
  readonly user: string;
  readonly purpose: string | undefined;
  /** Brings the checkpoint to the second places. Rejects where it did not arrive. */
  readonly deliver: (note: string) => Promise<void>;
  readonly disk?: Disk;
  /** Taken already, and released by who took it: nobody comes in between. Taken here, for each step, when left out. */
  readonly lock?: Lock;
};

export type Accepted =
  /** The journal agrees with all that was signed before. */
  | { readonly kind: "nothing" }
  /** `entries` with the one that says so. `why`: what did not agree. */
  | { readonly kind: "accepted"; readonly entries: number; readonly why: string };

const REASON = "a restored or moved journal was accepted";

/** Throws JournalDamaged when the lines do not agree with the directory's own checkpoints: that is no restored copy. */
export const acceptRestore = async ({ disk = nodeDisk, lock: taken, ...given }: Acceptance): Promise<Accepted> => {
  const lock = taken && { ...taken, release: () => Promise.resolve() };
  const why = await whyNotOpened({ disk, lock, ...given });
  if (why === undefined) return { kind: "nothing" };
  const { dir, trust } = given;
  let evidence: Evidence | undefined;
  const journal = await openJournal({
    dir,
    durability: "flush",
    disk,
    lock,
    published: async () => {
      evidence = await gatherEvidence({ disk, dir }, trust);
      return [];
    },
  });
  try {
    await journal.append(entryFor(given, why, evidence!));
    const note = await signRestored(journal, trust);
    // The anchor is last: until it is written, a start is refused and the command can be given again.
    await given.deliver(note);
    const { anchor: path, key, origin } = trust;
    await new Anchor({ disk, path, key, origin, known: evidence!.anchor }).keep(readCheckpoint(note)!);
    return { kind: "accepted", entries: journal.status().size, why };
  } finally {
    await journal.close();
  }
};

type Asked = Pick<Acceptance, "dir" | "trust"> & { readonly disk: Disk; readonly lock: Lock | undefined };

/** Undefined when it can be opened, and nothing about it is doubtful. */
const whyNotOpened = async ({ disk, dir, trust, lock }: Asked): Promise<string | undefined> => {
  try {
    const { journal, anchor, warnings } = await openChecked(
      { dir, durability: "flush", disk, lock, everyLine: true },
      trust,
    );
    const { size } = journal.status();
    await journal.close();
    return anchor.known || size === 0 ? undefined : (warnings[0] ?? `there is no anchor ${trust.anchor}`);
  } catch (error) {
    if (error instanceof JournalDamaged && error.cause instanceof JournalDamaged) return error.cause.message;
    throw error;
  }
};

type Accepting = Pick<Acceptance, "user" | "purpose">;

const entryFor = ({ user, purpose }: Accepting, detail: string, { anchor }: Evidence): Alarm => ({
  kind: "alarm",
  reason: REASON,
  detail,
  user,
  ...(purpose !== undefined && { purpose }),
  ...(anchor && { anchor: told(anchor) }),
});

const told = ({ size, root }: Checkpoint): Alarm["anchor"] => ({ size, root: Buffer.from(root).toString("base64") });

const NEVER_MS = 2 ** 31 - 1;

const signRestored = async (journal: Journal, { key, origin }: Trust): Promise<string> => {
  const checkpoints = await createCheckpoints(journal, { key, origin, everyMs: NEVER_MS });
  await checkpoints.write([RESTORED]);
  await checkpoints.stop();
  return (await readWhole(journal.disk, places(journal.dir).checkpoint(checkpoints.last().size))).toString();
};
