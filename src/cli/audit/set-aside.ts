/**
 * `ocsgw audit set-aside`: a segment that is damaged is moved away, with an entry that says so. Asked of the running
 * gateway, or done here under the lock of a stopped one.
 */
import { answered, toldOf, type AsideAnswer, type ToldAside } from "../../assemble/set-aside.ts";
import { keepBeside } from "../../assemble/journal.ts";
import { readSecondPlaces } from "../../assemble/second-places.ts";
import { signingKeyOf, trustOf } from "../../assemble/trust.ts";
import { accountName, purposeFault } from "../../journal/access.ts";
import { createCheckpoints } from "../../journal/checkpoint.ts";
import { JournalHeld, type Lock } from "../../journal/lock.ts";
import { openChecked } from "../../journal/open-checked.ts";
import { OpenDoNotCalls } from "../../journal/open-do-not-calls.ts";
import { places, segmentName } from "../../journal/places.ts";
import { JournalDamaged } from "../../journal/recover.ts";
import { Finder } from "../../journal/search.ts";
import { finishSettingAside, firstIn, lookAt, NotSetAside, setAside } from "../../journal/set-aside.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema.ts";
import { sayInvalidToRead } from "../check.ts";
import { reachJournal } from "../journal.ts";
import { purposeFrom } from "./purpose.ts";
import { openTerminal } from "./terminal.ts";
import { whoAsks, type Asker } from "./who-asks.ts";
import { faultInWords } from "../../system-error.ts";

export type SetAsideOptions = {
  readonly segments: readonly string[];
  readonly config: string;
  readonly purpose?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
};

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;
const UNREACHABLE = 5;
const BROKEN = 7;
const NO_PURPOSE = '--purpose: say why, as in --purpose "disk of gw-a, ticket 4711"; it stands in the journal';
const NO_CONSENT = "nothing was set aside: it is asked for on a terminal; without one, give --yes";
const EXIT = { unknown: WRONG_USAGE, refused: FAILED, broken: BROKEN } as const satisfies Record<
  NotSetAside["kind"],
  number
>;

type Steps = {
  readonly look: (segment: string) => Promise<AsideAnswer>;
  readonly set: (segment: string, by: Asker & { readonly purpose: string }) => Promise<AsideAnswer>;
};

export const auditSetAside = async (options: SetAsideOptions): Promise<number> => {
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return sayInvalidToRead(options.config);
  const fault = options.purpose === undefined ? undefined : purposeFault(options.purpose);
  if (fault !== undefined) return said(fault, WRONG_USAGE);
  try {
    const way = await reachJournal(loaded.settings.audit.dir, "audit set-aside");
    if (way.by === "gateway") {
      const ask = (name: string, body: object): Promise<AsideAnswer> => way.ask(name, body) as Promise<AsideAnswer>;
      return await each(
        {
          look: (segment) => ask("set-aside-look", { segment }),
          set: (segment, by) => ask("set-aside", { segment, ...by }),
        },
        options,
      );
    }
    try {
      return await here(loaded.settings, way.lock, options);
    } finally {
      await way.lock.release();
    }
  } catch (error) {
    if (error instanceof NotSetAside) return said(error.message, EXIT[error.kind]);
    if (error instanceof JournalDamaged) return said(`nothing was set aside: ${error.message}`, BROKEN);
    if (error instanceof JournalHeld) return said(`nothing was set aside: ${error.message}`, UNREACHABLE);
    throw error;
  }
};

const said = (why: string, code: number): number => {
  console.error(why);
  return code;
};

/** Ends with the first that is not set aside. */
const each = async (steps: Steps, options: SetAsideOptions): Promise<number> => {
  let { purpose } = options;
  for (const segment of options.segments) {
    const done = await step(steps, segment, { ...options, ...(purpose !== undefined && { purpose }) });
    if (typeof done === "number") return done;
    ({ purpose } = done);
  }
  return DONE;
};

/** Shows what would be done, asks, and does it. Resolves with an exit code where it was not done. */
const step = async (
  { look, set }: Steps,
  segment: string,
  options: SetAsideOptions,
): Promise<number | { readonly purpose: string }> => {
  const found = await look(segment);
  if ("refused" in found) return said(found.refused, EXIT[found.kind]);
  if (!options.json) for (const line of whatIsThere(found)) console.error(line);
  if (!options.yes && !(await agrees())) return said(NO_CONSENT, WRONG_USAGE);
  const purpose = await purposeFrom(options.purpose);
  if (purpose === undefined) return said(NO_PURPOSE, WRONG_USAGE);
  const done = await set(segment, { ...(await whoAsks()), purpose });
  if ("refused" in done) return said(done.refused, EXIT[done.kind]);
  if (options.json) console.log(JSON.stringify(done));
  else for (const line of whatWasDone(done)) console.log(line);
  return { purpose };
};

const whatIsThere = ({ from, to, files, damage, oldest, youngest }: ToldAside): string[] => [
  `${segmentName(from)}, entries ${from} to ${to - 1}, from ${oldest ?? "the beginning"} to ${youngest ?? "now"}: ${damage}`,
  ...files.map(({ name, bytes, sha256 }) => `  ${name}  ${bytes} bytes  SHA-256 ${sha256}`),
  "If you have a copy of the segment, put it back instead: then nothing is missing.",
  "Set aside, no search finds its entries any more, and no answer about their time is complete. Nothing is deleted, and the leaf hashes stay.",
];

const whatWasDone = ({ from, to, files, index, lost }: ToldAside): string[] => [
  `set aside: entries ${from} to ${to - 1}, as entry ${index} says${files.length === 0 ? "; there was no file to move" : `; moved to set-aside: ${files.map(({ name }) => name).join(", ")}`}`,
  ...(lost === null ? ["whether a Do-Not-Call in them was open is not known: audit dnc says so"] : []),
  ...(lost
    ? [`${lost} Do-Not-Calls that were open in them stand in damaged lines, and are listed by audit dnc no more`]
    : []),
];

const agrees = async (): Promise<boolean> => {
  const terminal = openTerminal();
  if (!terminal) return false;
  try {
    return /^y(es)?$/i.test((await terminal.ask("Set it aside? (yes or no): "))?.trim() ?? "");
  } finally {
    terminal.close();
  }
};

/** Under the conditions of the gateway: a directory that is not what was signed before is written to by nobody. */
const here = async (settings: Settings, lock: Lock, options: SetAsideOptions): Promise<number> => {
  const { dir, checkpoint } = settings.audit;
  const damaged = options.segments.map(firstIn);
  const signer = { key: await signingKeyOf(settings), origin: checkpoint.origin };
  const openDoNotCalls = new OpenDoNotCalls();
  const kept = keepBeside(openDoNotCalls);
  const trust = trustOf(settings, signer.key, await readSecondPlaces(settings));
  const { journal, anchor, warnings } = await openChecked(
    { dir, durability: "flush", lock, damaged, ...kept.options },
    trust,
  );
  try {
    for (const warning of warnings) console.error(`warning: ${warning}`);
    await kept.restore(journal);
    await finishSettingAside(journal);
    const checkpoints = await createCheckpoints(journal, { ...signer, everyMs: checkpoint.every, anchor });
    const parts = { journal, checkpoints, signer, openDoNotCalls };
    return await each(
      {
        look: (segment) => answered(() => lookAt(parts, firstIn(segment))),
        set: async (segment, { purpose, ...by }) => {
          await askIndex(dir, openDoNotCalls);
          return answered(async () =>
            toldOf(await setAside({ ...parts, by: { ...by, user: accountName(by.user), purpose } }, firstIn(segment))),
          );
        },
      },
      options,
    );
  } finally {
    await journal.close();
  }
};

/**
 * Where no start state tells which Do-Not-Calls are open. What cannot be indexed, because of the damage, leaves it
 * unknown.
 */
const askIndex = async (dir: string, counter: OpenDoNotCalls): Promise<void> => {
  if (counter.count !== undefined) return;
  let finder: Finder | undefined;
  try {
    finder = new Finder(dir);
    await finder.refresh();
    await counter.start(await finder.openDoNotCalls(counter.most));
  } catch (error) {
    console.error(`warning: ${places(dir).index} cannot tell which Do-Not-Calls are open: ${faultInWords(error)}`);
  } finally {
    finder?.close();
  }
};
