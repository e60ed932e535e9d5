/**
 * `ocsgw audit retention`: whether the gateway deletes expired entries, and if not, why. `--confirm-clock`: the user
 * confirms that this machine's clock is right; the running gateway records it, or the command does in the journal of a
 * stopped one.
 */
import type { RetentionState } from "../../admin/api/retention.ts";
import { accountName } from "../../journal/access.ts";
import { createCheckpoints } from "../../journal/integrity/checkpoints/checkpoint.ts";
import { JournalHeld, LockUnavailable } from "../../journal/lock/lock.ts";
import { openChecked } from "../../journal/write/open-checked.ts";
import { JournalDamaged } from "../../journal/errors.ts";
import { wallMicros, writeMicros } from "../../journal/time.ts";
import { readCheckpointSinks } from "../../app/wiring/journal/checkpoint-sinks.ts";
import { signingKeyOf, trustOf } from "../../app/wiring/journal/journal-trust.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { askAs } from "../admin-client.ts";
import { printProblemsToRead } from "../check/check.ts";
import { NoJournal, reachJournal, type JournalAccess } from "./reach-journal.ts";
import { userInWords, whoAsks } from "./access/who-asks.ts";
import { faultInWords } from "../../common/system-error.ts";
import { BROKEN, CANNOT_TELL, UNREACHABLE } from "../exit-codes.ts";

export type RetentionOptions = {
  readonly config: string;
  readonly confirmClock?: boolean | undefined;
  readonly json?: boolean | undefined;
};

const CONFIRMED_HERE =
  "recorded in the journal. A gateway deletes expired entries no earlier than one hour after its start";

export const auditRetention = async ({ config, confirmClock, json }: RetentionOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return printProblemsToRead(config);
  const user = userInWords(await whoAsks());
  const { admin, audit } = loaded.settings;
  const question = confirmClock
    ? { path: "/api/retention/confirm-clock", method: "POST" as const, body: { user } }
    : { path: "/api/retention" };
  const access = await accessTo(audit.dir);
  if (access?.by === "gateway")
    return show((await access.ask(confirmClock ? "confirm-clock" : "retention", { user })) as RetentionState, {
      confirmClock,
      json,
    });
  await access?.lock.release();
  const answer = admin && !access ? await askAs({ config }, question) : UNREACHABLE;
  if (typeof answer !== "number") return show(answer.value as RetentionState, { confirmClock, json });
  if (answer !== UNREACHABLE) return answer;
  if (confirmClock) return confirmDirectly(loaded.settings, user);
  console.error(
    "No gateway answers. Only a running gateway deletes expired entries, no earlier than one hour after its start",
  );
  return UNREACHABLE;
};

/** Undefined if the directory is not on this machine, or the process that has it open takes no commands. */
const accessTo = (dir: string): Promise<JournalAccess | undefined> =>
  reachJournal(dir, "audit retention").catch((error: unknown) => {
    if (error instanceof NoJournal || error instanceof JournalHeld || error instanceof LockUnavailable)
      return undefined;
    throw error;
  });

const show = (
  state: RetentionState,
  { confirmClock, json }: Pick<RetentionOptions, "confirmClock" | "json">,
): number => {
  if (json) console.log(JSON.stringify(state));
  else {
    const next = `${Math.ceil(state.next_look / 60_000)} min`;
    console.log(
      [
        `The gateway's clock shows ${state.clock}${confirmClock ? "; confirmed and recorded in the journal" : ""}`,
        state.waits === null
          ? `Expired entries are deleted at the next check, in ${next}`
          : `Nothing is deleted: ${state.waits}`,
      ].join("\n"),
    );
  }
  return 0;
};

/** Like the gateway, refuses to write if the directory does not agree with what was signed before. */
const confirmDirectly = async (settings: Settings, user: string): Promise<number> => {
  const { dir, checkpoint } = settings.audit;
  try {
    const access = await reachJournal(dir, "audit retention");
    if (access.by === "gateway") throw new Error("a gateway has just started; repeat the command");
    try {
      const key = await signingKeyOf(settings);
      const trust = trustOf(settings, key, await readCheckpointSinks(settings));
      const { journal, anchor, warnings } = await openChecked({ dir, durability: "flush", lock: access.lock }, trust);
      try {
        for (const warning of warnings) console.error(`warning: ${warning}`);
        const { origin, every: everyMs } = checkpoint;
        const checkpoints = await createCheckpoints(journal, { key, origin, everyMs, anchor });
        const now = writeMicros(wallMicros());
        const by = accountName(user);
        await journal.append({ kind: "clock", from: now, to: now, step_ms: 0, confirmed_by: by });
        await checkpoints.stop();
        console.log(`The clock shows ${now}; confirmed and ${CONFIRMED_HERE}`);
        return 0;
      } finally {
        await journal.close();
      }
    } finally {
      await access.lock.release();
    }
  } catch (error) {
    console.error(`The clock was not confirmed: ${faultInWords(error)}`);
    return error instanceof JournalHeld ? UNREACHABLE : error instanceof JournalDamaged ? BROKEN : CANNOT_TELL;
  }
};
