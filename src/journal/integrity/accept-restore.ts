/**
 * Accepts a journal that was restored from a copy, was moved, or lost its checkpoints. An entry records what was signed
 * before and who accepted it. A checkpoint with the line "restored" ends what was published about the lost lines.
 */
import { Anchor } from "./checkpoints/anchor.ts";
import { type Journal } from "../journal.ts";
import { openJournal } from "../write/open-journal.ts";
import { createCheckpoints } from "./checkpoints/checkpoint.ts";
import { nodeDisk, readWhole, type Disk } from "../disk.ts";
import type { Alarm } from "../entry.ts";
import { gatherEvidence, RESTORED, type Evidence, type Trust } from "./signed-evidence.ts";
import type { Lock } from "../lock/lock.ts";
import { readCheckpoint, type Checkpoint } from "./checkpoints/signed-note.ts";
import { openChecked } from "../write/open-checked.ts";
import { paths } from "../paths.ts";
import { JournalDamaged } from "../errors.ts";

export type AcceptOptions = {
  readonly dir: string;
  readonly trust: Trust;
  readonly user: string;
  readonly purpose: string | undefined;
  /** Writes the checkpoint to the sinks. Rejects if one of them failed. */
  readonly deliver: (note: string) => Promise<void>;
  readonly disk?: Disk;
  /** A lock that the caller holds and releases. If undefined, each step takes the lock itself. */
  readonly lock?: Lock;
};

export type Accepted =
  /** The journal agrees with every checkpoint that was signed before. */
  | { readonly kind: "nothing" }
  /** `entries`: with the entry about the acceptance. `why`: what did not agree. */
  | { readonly kind: "accepted"; readonly entries: number; readonly why: string };

const REASON = "a restored or moved journal was accepted";

/**
 * Throws JournalDamaged if the lines do not match the directory's own checkpoints: that is damage, not a restored copy.
 */
export const acceptRestore = async ({ disk = nodeDisk, lock: taken, ...given }: AcceptOptions): Promise<Accepted> => {
  const lock = taken && { ...taken, release: () => Promise.resolve() };
  const why = await reasonNotOpened({ disk, lock, ...given });
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
    // The anchor comes last: until it is written, the gateway refuses to start and the command can be repeated.
    await given.deliver(note);
    const { anchor: path, key, origin } = trust;
    await new Anchor({ disk, path, key, origin, known: evidence!.anchor }).keep(readCheckpoint(note)!);
    return { kind: "accepted", entries: journal.status().size, why };
  } finally {
    await journal.close();
  }
};

type Asked = Pick<AcceptOptions, "dir" | "trust"> & { readonly disk: Disk; readonly lock: Lock | undefined };

/** Undefined if the journal can be opened without objections. */
const reasonNotOpened = async ({ disk, dir, trust, lock }: Asked): Promise<string | undefined> => {
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

type Accepting = Pick<AcceptOptions, "user" | "purpose">;

const entryFor = ({ user, purpose }: Accepting, detail: string, { anchor }: Evidence): Alarm => ({
  kind: "alarm",
  reason: REASON,
  detail,
  user,
  ...(purpose !== undefined && { purpose }),
  ...(anchor && { anchor: anchorFields(anchor) }),
});

const anchorFields = ({ size, root }: Checkpoint): Alarm["anchor"] => ({
  size,
  root: Buffer.from(root).toString("base64"),
});

const NEVER_MS = 2 ** 31 - 1;

const signRestored = async (journal: Journal, { key, origin }: Trust): Promise<string> => {
  const checkpoints = await createCheckpoints(journal, { key, origin, everyMs: NEVER_MS });
  await checkpoints.write([RESTORED]);
  await checkpoints.stop();
  return (await readWhole(journal.disk, paths(journal.dir).checkpoint(checkpoints.last().size))).toString();
};
