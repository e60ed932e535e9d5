/** Opens the journal only when all that was signed before agrees with it, so that nothing is signed unchecked. */
import { Anchor } from "./anchor.ts";
import { openJournal, type Journal, type JournalOptions } from "./append.ts";
import { nodeDisk } from "./disk.ts";
import { gatherEvidence, type Evidence, type Trust } from "./evidence.ts";
import { JournalDamaged } from "./recover.ts";
import { faultInWords } from "../system-error.ts";

export type Checked = {
  readonly journal: Journal;
  /** For `createCheckpoints`. */
  readonly anchor: Anchor;
  readonly warnings: readonly string[];
  /** As in Evidence. */
  readonly published: Evidence["published"];
  /** Checkpoints that lie elsewhere, as in Evidence. */
  readonly elsewhere: Evidence["checkpoints"];
};

const REMEDY =
  "Nothing is signed. ocsgw audit verify tells what is wrong; a damaged segment of which there is no copy is set " +
  "aside by ocsgw audit set-aside; a copy that was restored or moved on purpose " +
  "is accepted by ocsgw audit accept-restore";

/** `everyLine`: also those that a start state covers, for who says of the whole journal that it agrees. */
type Options = Omit<JournalOptions, "published" | "states"> & { readonly everyLine?: boolean };
/** Told once when the anchor cannot be written. */
type Tell = (reason: string) => void;

/**
 * Under this name the start state has the sizes that witnesses cosigned. A command on a stopped gateway asks no witness,
 * and hands on what the gateway knew: else one that has lost its history since would not be noticed.
 */
export const WITNESSES = "witnesses";

/** Throws JournalDamaged with what to do, or an error that names the lock's holder. */
export const openChecked = async (
  { everyLine = false, ...options }: Options,
  trust: Trust,
  tell?: Tell,
): Promise<Checked> => {
  const { disk = nodeDisk, dir } = options;
  const { anchor: path, key, origin } = trust;
  let evidence: Evidence | undefined;
  let opened: Journal | undefined;
  try {
    const journal = (opened = await openJournal({
      ...options,
      beside: { [WITNESSES]: () => opened?.begun.beside[WITNESSES] ?? null, ...options.beside },
      ...(!everyLine && { states: { key, origin } }),
      published: async () => {
        evidence = await gatherEvidence({ disk, dir }, trust);
        if (evidence.faults.length > 0) throw new JournalDamaged(evidence.faults.join("; "));
        return evidence.checkpoints;
      },
    }));
    try {
      requireOwnCheckpoints(evidence!, dir);
    } catch (error) {
      await journal.close();
      throw error;
    }
    const { anchor: known, warnings, published, checkpoints: elsewhere } = evidence!;
    return { journal, anchor: new Anchor({ disk, path, key, origin, known, tell }), warnings, published, elsewhere };
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    throw new JournalDamaged(`${faultInWords(error)}. ${REMEDY}`, { cause: error });
  }
};

/** A checkpoint is in the directory before it is anywhere else: one that is only elsewhere was removed here. */
const requireOwnCheckpoints = ({ checkpoints, last = 0 }: Evidence, dir: string): void => {
  const removed = checkpoints.find(({ size }) => size > last);
  if (!removed) return;
  const { size, from } = removed;
  throw new JournalDamaged(`checkpoint ${size} is in ${from} and no longer in ${dir}: checkpoints were removed`);
};
