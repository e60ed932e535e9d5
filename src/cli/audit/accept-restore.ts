/** `ocsgw audit accept-restore`: accepts a journal that was restored from a copy or moved on purpose. */
import { accountName, faultOf } from "../../journal/access.ts";
import { acceptRestore, type Accepted } from "../../journal/integrity/accept-restore.ts";
import { AnchorNotWritable } from "../../journal/integrity/checkpoints/anchor.ts";
import { holderInWords } from "../../journal/lock/holder.ts";
import { holderOf, JournalHeld } from "../../journal/lock/lock.ts";
import { JournalDamaged } from "../../journal/errors.ts";
import { readCheckpointSinks, type SinkReading } from "../../app/wiring/journal/checkpoint-sinks.ts";
import { signingKeyOf, trustOf } from "../../app/wiring/journal/journal-trust.ts";
import { loadToRead } from "../../settings/load.ts";
import { printProblemsToRead } from "../check/check.ts";
import { NoJournal, reachJournal } from "./reach-journal.ts";
import { userInWords, whoAsks } from "./access/who-asks.ts";
import { faultInWords } from "../../common/system-error.ts";
import { fail } from "./fail.ts";
import { BROKEN, CANNOT_TELL, DONE, FAILED, UNREACHABLE, WRONG_USAGE } from "../exit-codes.ts";

export type AcceptOptions = {
  readonly config: string;
  readonly purpose?: string;
  readonly json?: boolean;
  /** Accept the journal of this other gateway, and not the own one. */
  readonly node?: string;
};

const NO_PURPOSE =
  '--purpose is missing: say why, for example --purpose "disk replaced, copy of Monday"; it is written into ' +
  "the journal";
const SINKS_NEEDED =
  "Make every checkpoint sink readable and try again: a later start would compare the journal with what is there";
const NOTHING = "nothing to accept: the journal agrees with every checkpoint that was signed before";
const DAMAGE = "The journal is damaged, which no restored copy is. To see where: ocsgw audit verify -c FILE";

export const auditAcceptRestore = async ({ config, purpose, json, node }: AcceptOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return printProblemsToRead(config);
  const user = accountName(userInWords(await whoAsks()));
  const fault = purpose === undefined ? NO_PURPOSE : faultOf({ user, operation: "export", purpose });
  if (fault !== undefined) return fail(fault, WRONG_USAGE);
  const { settings } = loaded;
  if (node !== undefined) return acceptOfNode(settings.audit.dir, { node, user, purpose: purpose! });
  const found = await readCheckpointSinks(settings);
  const away = found.filter((each) => each.away !== undefined);
  if (away.length > 0) {
    const why = away.map((each) => `${each.name} cannot be read: ${each.away}`).join("; ");
    return fail(`nothing was accepted: ${why}. ${SINKS_NEEDED}`, UNREACHABLE);
  }
  try {
    const { dir } = settings.audit;
    const access = await reachJournal(dir, "audit accept-restore");
    if (access.by === "gateway") throw new JournalHeld(dir, holderInWords(holderOf(dir)));
    try {
      const trust = trustOf(settings, await signingKeyOf(settings), found);
      printResult(
        await acceptRestore({ dir, trust, user, purpose, deliver: deliverTo(found), lock: access.lock }),
        json,
      );
      return DONE;
    } finally {
      await access.lock.release();
    }
  } catch (error) {
    return explain(error);
  }
};

type Other = { readonly node: string; readonly user: string; readonly purpose: string };

/** The running gateway that cosigns it has to forget what it cosigned of the earlier journal. */
const acceptOfNode = async (dir: string, other: Other): Promise<number> => {
  try {
    const access = await reachJournal(dir, "audit accept-restore");
    if (access.by === "gateway") {
      await access.ask("accept-journal", other);
      console.error(
        `accepted the journal that ${other.node} has now: this gateway cosigns it from here on, and its journal ` +
          "records that. Repeat this on each other node",
      );
      return DONE;
    }
    await access.lock.release();
    return fail("nothing was accepted: the gateway of this config does not run", UNREACHABLE);
  } catch (error) {
    return fail(`nothing was accepted: ${faultInWords(error)}`, error instanceof JournalHeld ? UNREACHABLE : FAILED);
  }
};

class NotDelivered extends Error {
  override readonly name = "NotDelivered";
}

const deliverTo =
  (found: readonly SinkReading[]) =>
  async (note: string): Promise<void> => {
    for (const { place, name } of found) {
      await place.deliver(note).catch((error: unknown) => {
        const why = faultInWords(error);
        throw new NotDelivered(
          `the checkpoint could not be written to ${name}: ${why}. Repair the sink, then repeat the command`,
        );
      });
    }
  };

const printResult = (accepted: Accepted, json = false): void => {
  if (json) console.log(JSON.stringify(accepted));
  else if (accepted.kind === "nothing") console.error(NOTHING);
  else
    console.error(
      `accepted the journal with ${accepted.entries} entries; the last entry records it. Reason: ${accepted.why}`,
    );
};

const explain = (error: unknown): number => {
  const why = faultInWords(error);
  if (error instanceof JournalDamaged) return fail(`nothing was accepted: ${why}. ${DAMAGE}`, BROKEN);
  if (error instanceof NotDelivered) return fail(why, UNREACHABLE);
  if (error instanceof AnchorNotWritable) return fail(why, FAILED);
  if (error instanceof NoJournal)
    return fail(
      `nothing was accepted: ${why}. Put the copy there first; to begin again without its entries, make an ` +
        "empty directory",
      CANNOT_TELL,
    );
  return fail(`nothing was accepted: ${why}`, error instanceof JournalHeld ? UNREACHABLE : FAILED);
};
