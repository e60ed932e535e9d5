/**
 * Opens the journal only if it agrees with everything that was signed before, so that nothing unchecked gets signed.
 */
import { Anchor, type OnAnchorTrouble } from "../integrity/checkpoints/anchor.ts";
import { type Journal, type JournalOptions } from "../journal.ts";
import { openJournal } from "./open-journal.ts";
import { nodeDisk } from "../disk.ts";
import { gatherEvidence, type Evidence, type Trust } from "../integrity/signed-evidence.ts";
import { JournalDamaged } from "../errors.ts";
import { faultInWords } from "../../common/system-error.ts";

export type Checked = {
  readonly journal: Journal;
  /** For `createCheckpoints`. */
  readonly anchor: Anchor;
  readonly warnings: readonly string[];
  /** As in Evidence. */
  readonly published: Evidence["published"];
  /** Checkpoints stored elsewhere, as in Evidence. */
  readonly publishedCheckpoints: Evidence["checkpoints"];
};

const REMEDY =
  "Nothing is signed. ocsgw audit verify -c FILE shows what is wrong; a damaged segment of which there is no copy is " +
  "set aside by ocsgw audit set-aside -c FILE SEGMENT; a copy that was restored or moved on purpose is accepted by " +
  "ocsgw audit accept-restore -c FILE";

/** `everyLine`: also reads the lines that a start state covers, for a caller that vouches for the whole journal. */
type Options = Omit<JournalOptions, "published" | "states"> & { readonly everyLine?: boolean };

/**
 * The start state's name for the sizes that witnesses cosigned. A command on a stopped gateway asks no witness and
 * passes on what the gateway knew: otherwise nothing would notice a witness that has lost its history since.
 */
export const WITNESSES = "witnesses";

/** The start state's name for what this gateway has cosigned for others. Passed on in the same way. */
export const COSIGNED_FOR_OTHERS = "cosigned-for-others";

/** Throws JournalDamaged with what to do, or an error that names the lock's holder. */
export const openChecked = async (
  { everyLine = false, ...options }: Options,
  trust: Trust,
  onAnchorTrouble?: OnAnchorTrouble,
): Promise<Checked> => {
  const { disk = nodeDisk, dir } = options;
  const { anchor: path, key, origin } = trust;
  let evidence: Evidence | undefined;
  let opened: Journal | undefined;
  try {
    const journal = (opened = await openJournal({
      ...options,
      beside: {
        [WITNESSES]: () => opened?.openedFrom.beside[WITNESSES] ?? null,
        [COSIGNED_FOR_OTHERS]: () => opened?.openedFrom.beside[COSIGNED_FOR_OTHERS] ?? null,
        ...options.beside,
      },
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
    const { anchor: known, warnings, published, checkpoints: publishedCheckpoints } = evidence!;
    return {
      journal,
      anchor: new Anchor({ disk, path, key, origin, known, onTrouble: onAnchorTrouble }),
      warnings,
      published,
      publishedCheckpoints,
    };
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    throw new JournalDamaged(`${faultInWords(error)}. ${REMEDY}`, { cause: error });
  }
};

/** A checkpoint is written to the directory before it is published: one that exists only elsewhere was removed here. */
const requireOwnCheckpoints = ({ checkpoints, last = 0 }: Evidence, dir: string): void => {
  const removed = checkpoints.find(({ size }) => size > last);
  if (!removed) return;
  const { size, from } = removed;
  throw new JournalDamaged(`checkpoint ${size} is in ${from} and no longer in ${dir}: checkpoints were removed`);
};
