/**
 * `ocsgw audit retention`: whether the gateway deletes what is old enough, and why not. `--confirm-clock`: somebody who has looked at another clock
 * says that this machine's is right; told to the running gateway, or written into the journal of a stopped one.
 */
import type { RetentionState } from "../../console/retention.ts";
import { accountName } from "../../journal/access.ts";
import { createCheckpoints } from "../../journal/checkpoint.ts";
import { JournalHeld, LockUnavailable } from "../../journal/lock.ts";
import { openChecked } from "../../journal/open-checked.ts";
import { JournalDamaged } from "../../journal/recover.ts";
import { wallMicros, writeMicros } from "../../journal/time.ts";
import { readSecondPlaces } from "../../assemble/second-places.ts";
import { signingKeyOf, trustOf } from "../../assemble/trust.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema.ts";
import { askAs } from "../admin.ts";
import { sayInvalidToRead } from "../check.ts";
import { NoJournal, reachJournal, type Way } from "../journal.ts";
import { userInWords, whoAsks } from "./who-asks.ts";
import { faultInWords } from "../../system-error.ts";

export type RetentionOptions = {
  readonly config: string;
  readonly confirmClock?: boolean | undefined;
  readonly json?: boolean | undefined;
};

const UNREACHABLE = 5;
const BROKEN = 7;
const CANNOT_TELL = 8;
const CONFIRMED_HERE =
  "the journal has an entry that says so; " +
  "a gateway deletes what is old enough no earlier than an hour after its start";

export const auditRetention = async ({ config, confirmClock, json }: RetentionOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalidToRead(config);
  const user = userInWords(await whoAsks());
  const { admin, audit } = loaded.settings;
  const question = confirmClock
    ? { path: "/api/retention/confirm-clock", method: "POST" as const, body: { user } }
    : { path: "/api/retention" };
  const way = await wayTo(audit.dir);
  if (way?.by === "gateway")
    return show((await way.ask(confirmClock ? "confirm-clock" : "retention", { user })) as RetentionState, {
      confirmClock,
      json,
    });
  await way?.lock.release();
  const answer = admin && !way ? await askAs({ config }, question) : UNREACHABLE;
  if (typeof answer !== "number") return show(answer.value as RetentionState, { confirmClock, json });
  if (answer !== UNREACHABLE) return answer;
  if (confirmClock) return confirmHere(loaded.settings, user);
  console.error(
    "no gateway answers: what is old enough is deleted by a running gateway only, and no earlier than an hour after its start",
  );
  return UNREACHABLE;
};

/** Undefined where the directory is not on this machine, or what has it open takes no commands. */
const wayTo = (dir: string): Promise<Way | undefined> =>
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
        `the gateway's clock shows ${state.clock}${confirmClock ? ", confirmed: the journal has an entry that says so" : ""}`,
        state.waits === null
          ? `what is old enough is deleted at the next look, in ${next}`
          : `nothing is deleted: ${state.waits}`,
      ].join("\n"),
    );
  }
  return 0;
};

/** Under the conditions of the gateway: a directory that is not what was signed before is written to by nobody. */
const confirmHere = async (settings: Settings, user: string): Promise<number> => {
  const { dir, checkpoint } = settings.audit;
  try {
    const way = await reachJournal(dir, "audit retention");
    if (way.by === "gateway") throw new Error("a gateway has just started; ask again");
    try {
      const key = await signingKeyOf(settings);
      const trust = trustOf(settings, key, await readSecondPlaces(settings));
      const { journal, anchor, warnings } = await openChecked({ dir, durability: "flush", lock: way.lock }, trust);
      try {
        for (const warning of warnings) console.error(`warning: ${warning}`);
        const { origin, every: everyMs } = checkpoint;
        const checkpoints = await createCheckpoints(journal, { key, origin, everyMs, anchor });
        const now = writeMicros(wallMicros());
        const by = accountName(user);
        await journal.append({ kind: "clock", from: now, to: now, step_ms: 0, confirmed_by: by });
        await checkpoints.stop();
        console.log(`the clock shows ${now}, confirmed: ${CONFIRMED_HERE}`);
        return 0;
      } finally {
        await journal.close();
      }
    } finally {
      await way.lock.release();
    }
  } catch (error) {
    console.error(`the clock was not confirmed: ${faultInWords(error)}`);
    return error instanceof JournalHeld ? UNREACHABLE : error instanceof JournalDamaged ? BROKEN : CANNOT_TELL;
  }
};
