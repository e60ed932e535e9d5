/**
 * The entry that says who looked, before anything is shown. A running gateway has the journal open, so it is asked to write it; otherwise it is
 * written here. Where neither can be, nothing is shown.
 */
import { readFile } from "node:fs/promises";
import { copyKeyChecks, KNOWN_SECRETS } from "../../assemble/index-keys.ts";
import { tokenFile } from "../../console/token.ts";
import { accessEntry, faultOf, type Asked } from "../../journal/access.ts";
import { createCheckpoints, loadOrCreateKey } from "../../journal/checkpoint.ts";
import { openChecked } from "../../journal/open-checked.ts";
import { JournalDamaged } from "../../journal/recover.ts";
import { readSecondPlaces } from "../../assemble/second-places.ts";
import { trustOf } from "../../assemble/trust.ts";
import type { Settings } from "../../settings/schema.ts";
import { adminOf, ask } from "../admin.ts";
import { whoAsks } from "./who-asks.ts";

const WRONG_USAGE = 2;
const UNREACHABLE = 5;
const BROKEN = 7;
const CANNOT_TELL = 8;

export type Looked = Omit<Asked, "user" | "behind">;
/** `configHash`: given when tokens were made with the config's keys, whose check values then come first. */
type Place = { readonly config: string; readonly settings: Settings; readonly configHash?: string };
type Written = { readonly size: number };

/** With `sign` a checkpoint covers it, and `size` is what that covers. Resolves to the exit code when it could not be written, told why. */
export const recordAccess = async (place: Place, looked: Looked, sign: boolean): Promise<Written | number> => {
  const asked: Asked = { ...(await whoAsks()), ...looked };
  const fault = faultOf(asked);
  if (fault !== undefined) return refused(fault, WRONG_USAGE);
  const token = await readFile(tokenFile(place.settings.audit.dir), "utf8").catch(() => undefined);
  const told = token === undefined ? undefined : await askGateway(place, { ...asked, sign }, token.trim());
  return told ?? writeHere(place, asked, sign);
};

const refused = (why: string, code: number): number => {
  console.error(why);
  return code;
};

/** Undefined when there is none that answers. */
const askGateway = async ({ config, settings }: Place, body: object, token: string): Promise<Written | number | undefined> => {
  const admin = settings.admin && (await adminOf(config));
  if (!admin || typeof admin === "number") return undefined;
  const answer = await ask(admin.target, { path: "/api/audit/access", method: "POST", body }, { Authorization: `Bearer ${token}` });
  if (!answer) return undefined;
  if (answer.status === 200) return answer.value as Written;
  const { error } = answer.value as { readonly error?: string };
  return refused(`the gateway did not record the look-up, so nothing is shown: ${error ?? answer.status}`, answer.status === 400 ? WRONG_USAGE : CANNOT_TELL);
};

/** Under the conditions of the gateway: a directory that is not what was signed before is written to by nobody. */
const writeHere = async ({ settings, configHash }: Place, asked: Asked, sign: boolean): Promise<Written | number> => {
  const { dir, checkpoint, index_key } = settings.audit;
  try {
    const key = await loadOrCreateKey(checkpoint.key);
    const { journal, anchor, warnings } = await openChecked({ dir, durability: "flush" }, trustOf(settings, key, await readSecondPlaces(settings)));
    try {
      for (const warning of warnings) console.error(`warning: ${warning}`);
      const checkpoints = await createCheckpoints(journal, { key, origin: checkpoint.origin, everyMs: checkpoint.every, anchor });
      if (configHash !== undefined) journal.keys.use(index_key, configHash, KNOWN_SECRETS);
      const statesKeys = journal.keys.owes;
      await journal.append(accessEntry(asked));
      if (statesKeys) await copyKeyChecks(journal);
      if (!sign) return { size: journal.status().size };
      await checkpoints.stop();
      return { size: checkpoints.last().size };
    } finally {
      await journal.close();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const code = error instanceof JournalDamaged ? BROKEN : /has the journal open/.test(why) ? UNREACHABLE : CANNOT_TELL;
    return refused(`the look-up could not be recorded, so nothing is shown: ${why}`, code);
  }
};
