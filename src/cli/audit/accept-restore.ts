/** `ocsgw audit accept-restore`: the journal was restored from a copy or moved on purpose, and goes on from there. */
import { accountName, faultOf } from "../../journal/access.ts";
import { acceptRestore, type Accepted } from "../../journal/accept-restore.ts";
import { AnchorNotWritable } from "../../journal/anchor.ts";
import { holderInWords } from "../../journal/lock/holder.ts";
import { holderOf, JournalHeld } from "../../journal/lock.ts";
import { JournalDamaged } from "../../journal/recover.ts";
import { readSecondPlaces, type Found } from "../../assemble/second-places.ts";
import { signingKeyOf, trustOf } from "../../assemble/trust.ts";
import { loadToRead } from "../../settings/load.ts";
import { sayInvalidToRead } from "../check.ts";
import { NoJournal, reachJournal } from "../journal.ts";
import { userInWords, whoAsks } from "./who-asks.ts";
import { faultInWords } from "../../system-error.ts";

export type AcceptOptions = { readonly config: string; readonly purpose?: string; readonly json?: boolean };

const NO_PURPOSE = '--purpose: say why, as in --purpose "disk replaced, copy of Monday"; it stands in the journal';
const NOTHING = "the journal agrees with all that was signed before: there is nothing to accept";
const DAMAGE = "That is damage and no restored copy: ocsgw audit verify tells where";

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;
const UNREACHABLE = 5;
const BROKEN = 7;
const CANNOT_TELL = 8;

export const auditAcceptRestore = async ({ config, purpose, json }: AcceptOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalidToRead(config);
  const user = accountName(userInWords(await whoAsks()));
  const fault = purpose === undefined ? NO_PURPOSE : faultOf({ user, operation: "export", purpose });
  if (fault !== undefined) return refused(fault, WRONG_USAGE);
  const { settings } = loaded;
  const found = await readSecondPlaces(settings);
  const away = found.filter((each) => each.away !== undefined);
  if (away.length > 0) {
    const why = away.map((each) => `${each.name} cannot be read: ${each.away}`).join("; ");
    return refused(
      `nothing was accepted: ${why}. What was published there would be held against the journal later`,
      UNREACHABLE,
    );
  }
  try {
    const { dir } = settings.audit;
    const way = await reachJournal(dir, "audit accept-restore");
    if (way.by === "gateway") throw new JournalHeld(dir, holderInWords(holderOf(dir)));
    try {
      const trust = trustOf(settings, await signingKeyOf(settings), found);
      tell(await acceptRestore({ dir, trust, user, purpose, deliver: deliverTo(found), lock: way.lock }), json);
      return DONE;
    } finally {
      await way.lock.release();
    }
  } catch (error) {
    return explained(error);
  }
};

const refused = (why: string, code: number): number => {
  console.error(why);
  return code;
};

class NotDelivered extends Error {
  override readonly name = "NotDelivered";
}

const deliverTo =
  (found: readonly Found[]) =>
  async (note: string): Promise<void> => {
    for (const { place, name } of found) {
      await place.deliver(note).catch((error: unknown) => {
        const why = faultInWords(error);
        throw new NotDelivered(
          `the checkpoint could not be brought to ${name}: ${why}. Give the command again when it can`,
        );
      });
    }
  };

const tell = (accepted: Accepted, json = false): void => {
  if (json) console.log(JSON.stringify(accepted));
  else if (accepted.kind === "nothing") console.error(NOTHING);
  else
    console.error(
      `accepted with ${accepted.entries} entries; the last one says so. What did not agree: ${accepted.why}`,
    );
};

const explained = (error: unknown): number => {
  const why = faultInWords(error);
  if (error instanceof JournalDamaged) return refused(`nothing was accepted: ${why}. ${DAMAGE}`, BROKEN);
  if (error instanceof NotDelivered) return refused(why, UNREACHABLE);
  if (error instanceof AnchorNotWritable) return refused(why, FAILED);
  if (error instanceof NoJournal)
    return refused(
      `nothing was accepted: ${why}. Put the copy there first; to begin again without its entries, make an empty directory`,
      CANNOT_TELL,
    );
  return refused(`nothing was accepted: ${why}`, error instanceof JournalHeld ? UNREACHABLE : FAILED);
};
