/**
 * `ocsgw audit retention`: whether the gateway deletes what is old enough, and why not. `--confirm-clock`: somebody who has looked at another clock
 * says that this machine's is right; told to the running gateway, or written into the journal of a stopped one.
 */
import { userInfo } from "node:os";
import type { RetentionState } from "../../console/retention.ts";
import { openJournal } from "../../journal/append.ts";
import { JournalHeld, LockUnavailable } from "../../journal/lock.ts";
import { wallMicros, writeMicros } from "../../journal/time.ts";
import { loadToRead } from "../../settings/load.ts";
import { askAs } from "../admin.ts";
import { sayInvalid } from "../check.ts";
import { NoJournal, reachJournal, type Way } from "../journal.ts";

export type RetentionOptions = { readonly config: string; readonly confirmClock?: boolean | undefined; readonly json?: boolean | undefined };

const UNREACHABLE = 5;
const CANNOT_TELL = 8;

export const auditRetention = async ({ config, confirmClock, json }: RetentionOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalid(config);
  const user = userInfo().username;
  const { admin, audit } = loaded.settings;
  const question = confirmClock ? { path: "/api/retention/confirm-clock", method: "POST" as const, body: { user } } : { path: "/api/retention" };
  const way = await wayTo(audit.dir);
  if (way?.by === "gateway") return show((await way.ask(confirmClock ? "confirm-clock" : "retention", { user })) as RetentionState, { confirmClock, json });
  await way?.lock.release();
  const answer = admin && !way ? await askAs({ config }, question) : UNREACHABLE;
  if (typeof answer !== "number") return show(answer.value as RetentionState, { confirmClock, json });
  if (answer !== UNREACHABLE) return answer;
  if (confirmClock) return confirmHere(audit.dir, user);
  console.error("no gateway answers: what is old enough is deleted by a running gateway only, and no earlier than an hour after its start");
  return UNREACHABLE;
};

/** Undefined where the directory is not on this machine, or what has it open takes no commands. */
const wayTo = (dir: string): Promise<Way | undefined> =>
  reachJournal(dir, "audit retention").catch((error: unknown) => {
    if (error instanceof NoJournal || error instanceof JournalHeld || error instanceof LockUnavailable) return undefined;
    throw error;
  });

const show = (state: RetentionState, { confirmClock, json }: Pick<RetentionOptions, "confirmClock" | "json">): number => {
  if (json) console.log(JSON.stringify(state));
  else {
    const next = `${Math.ceil(state.next_look / 60_000)} min`;
    console.log([
      `the gateway's clock shows ${state.clock}${confirmClock ? ", confirmed: the journal has an entry that says so" : ""}`,
      state.waits === null ? `what is old enough is deleted at the next look, in ${next}` : `nothing is deleted: ${state.waits}`,
    ].join("\n"));
  }
  return 0;
};

const confirmHere = async (dir: string, user: string): Promise<number> => {
  try {
    const way = await reachJournal(dir, "audit retention");
    if (way.by === "gateway") throw new Error("a gateway has just started; ask again");
    const journal = await openJournal({ dir, durability: "flush", lock: way.lock });
    try {
      const now = writeMicros(wallMicros());
      await journal.append({ kind: "clock", from: now, to: now, step_ms: 0, confirmed_by: user });
      console.log(`the clock shows ${now}, confirmed: the journal has an entry that says so; a gateway deletes what is old enough an hour after its start`);
      return 0;
    } finally {
      await journal.close();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    console.error(`the clock was not confirmed: ${why}`);
    return error instanceof JournalHeld ? UNREACHABLE : CANNOT_TELL;
  }
};
