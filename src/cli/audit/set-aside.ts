/**
 * `ocsgw audit set-aside`: moves a damaged segment away and records that in the journal. The running gateway does it,
 * or the command under the lock of a stopped one.
 */
import { answered, resultOf, type SetAsideAnswer, type SetAsideResult } from "../../app/wiring/journal/set-aside.ts";
import { savedFacts } from "../../app/wiring/journal/journal.ts";
import { readCheckpointSinks } from "../../app/wiring/journal/checkpoint-sinks.ts";
import { signingKeyOf, trustOf } from "../../app/wiring/journal/journal-trust.ts";
import { accountName, purposeFault } from "../../journal/access.ts";
import { createCheckpoints } from "../../journal/integrity/checkpoints/checkpoint.ts";
import { JournalHeld, type Lock } from "../../journal/lock/lock.ts";
import { openChecked } from "../../journal/write/open-checked.ts";
import { OpenDoNotCalls } from "../../journal/open-dnc/open-dnc-counter.ts";
import { paths, segmentName } from "../../journal/paths.ts";
import { JournalDamaged } from "../../journal/errors.ts";
import { JournalSearch } from "../../journal/search/journal-search.ts";
import { finishSettingAside, setAside } from "../../journal/segments/set-aside.ts";
import { firstIndexIn, examineSegment, NotSetAside } from "../../journal/segments/examine-segment.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { printProblemsToRead } from "../check/check.ts";
import { withGivenConfig } from "../process/given-config.ts";
import { fail } from "./fail.ts";
import { reachJournal } from "./reach-journal.ts";
import { purposeFrom } from "./access/purpose.ts";
import { openTerminal } from "./output/terminal.ts";
import { whoAsks, type Asker } from "./access/who-asks.ts";
import { faultInWords } from "../../common/system-error.ts";
import { BROKEN, DONE, FAILED, UNREACHABLE, WRONG_USAGE } from "../exit-codes.ts";

export type SetAsideOptions = {
  readonly segments: readonly string[];
  readonly config: string;
  readonly purpose?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
};

const NO_PURPOSE =
  '--purpose is missing: say why, for example --purpose "disk of gw-a, ticket 4711"; it is written into the journal';
const NO_CONSENT = "nothing was set aside: confirm it on a terminal, or give --yes";
const EXIT = { unknown: WRONG_USAGE, refused: FAILED, broken: BROKEN } as const satisfies Record<
  NotSetAside["kind"],
  number
>;

type Steps = {
  readonly examine: (segment: string) => Promise<SetAsideAnswer>;
  readonly set: (segment: string, by: Asker & { readonly purpose: string }) => Promise<SetAsideAnswer>;
};

export const auditSetAside = async (options: SetAsideOptions): Promise<number> => {
  const loaded = await loadToRead(options.config);
  if (!loaded.ok) return printProblemsToRead(options.config);
  const fault = options.purpose === undefined ? undefined : purposeFault(options.purpose);
  if (fault !== undefined) return fail(fault, WRONG_USAGE);
  try {
    const access = await reachJournal(loaded.settings.audit.dir, "audit set-aside");
    if (access.by === "gateway") {
      const ask = (name: string, body: object): Promise<SetAsideAnswer> =>
        access.ask(name, body) as Promise<SetAsideAnswer>;
      return await each(
        {
          examine: (segment) => ask("set-aside-look", { segment }),
          set: (segment, by) => ask("set-aside", { segment, ...by }),
        },
        options,
      );
    }
    try {
      return await setAsideDirectly(loaded.settings, access.lock, options);
    } finally {
      await access.lock.release();
    }
  } catch (error) {
    if (error instanceof NotSetAside) return fail(error.message, EXIT[error.kind]);
    if (error instanceof JournalDamaged) return fail(`nothing was set aside: ${error.message}`, BROKEN);
    if (error instanceof JournalHeld) return fail(`nothing was set aside: ${error.message}`, UNREACHABLE);
    throw error;
  }
};

/** Stops at the first segment that is not set aside. */
const each = async (steps: Steps, options: SetAsideOptions): Promise<number> => {
  let { purpose } = options;
  for (const segment of options.segments) {
    const done = await step(steps, segment, { ...options, ...(purpose !== undefined && { purpose }) });
    if (typeof done === "number") return done;
    ({ purpose } = done);
  }
  return DONE;
};

/** Shows the segment, asks for confirmation, and sets it aside. Resolves to an exit code if it was not set aside. */
const step = async (
  { examine, set }: Steps,
  segment: string,
  options: SetAsideOptions,
): Promise<number | { readonly purpose: string }> => {
  const found = await examine(segment);
  if ("refused" in found) return fail(found.refused, EXIT[found.kind]);
  if (!options.json) for (const line of previewLines(found)) console.error(line);
  if (!options.yes && !(await isConfirmed())) return fail(NO_CONSENT, WRONG_USAGE);
  const purpose = await purposeFrom(options.purpose);
  if (purpose === undefined) return fail(NO_PURPOSE, WRONG_USAGE);
  const done = await set(segment, { ...(await whoAsks()), purpose });
  if ("refused" in done) return fail(done.refused, EXIT[done.kind]);
  if (options.json) console.log(JSON.stringify(done));
  else for (const line of resultLines(done)) console.log(withGivenConfig(line));
  return { purpose };
};

const previewLines = ({ from, to, files, damage, oldest, youngest }: SetAsideResult): string[] => [
  `${segmentName(from)}, entries ${from} to ${to - 1}, from ${oldest ?? "the beginning"} to ` +
    `${youngest ?? "now"}: ${damage}`,
  ...files.map(({ name, bytes, sha256 }) => `  ${name}  ${bytes} bytes  SHA-256 ${sha256}`),
  "If you have a copy of the segment, put that back instead: then no entry is missing.",
  "After it is set aside, no search finds its entries, and no answer about their time is complete. Nothing is " +
    "deleted, and the leaf hashes stay.",
];

const resultLines = ({ from, to, files, index, lost }: SetAsideResult): string[] => [
  `Entries ${from} to ${to - 1} are set aside; entry ${index} records it. ` +
    (files.length === 0
      ? "There was no file to move."
      : `Moved to the folder set-aside: ${files.map(({ name }) => name).join(", ")}`),
  ...(lost === null ? ["It is not known whether a Do-Not-Call in them was open; ocsgw audit dnc -c FILE says so"] : []),
  ...(lost ? [`${lost} open Do-Not-Calls were in damaged lines, so ocsgw audit dnc cannot list them any more`] : []),
];

const isConfirmed = async (): Promise<boolean> => {
  const terminal = openTerminal();
  if (!terminal) return false;
  try {
    return /^y(es)?$/i.test((await terminal.ask("Set this segment aside? (yes or no): "))?.trim() ?? "");
  } finally {
    terminal.close();
  }
};

/** Like the gateway, refuses to write if the directory does not agree with what was signed before. */
const setAsideDirectly = async (settings: Settings, lock: Lock, options: SetAsideOptions): Promise<number> => {
  const { dir, checkpoint } = settings.audit;
  const damaged = options.segments.map(firstIndexIn);
  const signer = { key: await signingKeyOf(settings), origin: checkpoint.origin };
  const openDoNotCalls = new OpenDoNotCalls();
  const kept = savedFacts(openDoNotCalls);
  const trust = trustOf(settings, signer.key, await readCheckpointSinks(settings));
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
        examine: (segment) => answered(() => examineSegment(parts, firstIndexIn(segment))),
        set: async (segment, { purpose, ...by }) => {
          await askIndex(dir, openDoNotCalls);
          return answered(async () =>
            resultOf(
              await setAside({ ...parts, by: { ...by, user: accountName(by.user), purpose } }, firstIndexIn(segment)),
            ),
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
 * Asks the search index for the open Do-Not-Calls if no start state has them. They stay unknown if the damage prevents
 * indexing.
 */
const askIndex = async (dir: string, counter: OpenDoNotCalls): Promise<void> => {
  if (counter.count !== undefined) return;
  let search: JournalSearch | undefined;
  try {
    search = new JournalSearch(dir);
    await search.refresh();
    await counter.start(await search.openDncSnapshot(counter.most));
  } catch (error) {
    console.error(`warning: ${paths(dir).index} cannot tell which Do-Not-Calls are open: ${faultInWords(error)}`);
  } finally {
    search?.close();
  }
};
