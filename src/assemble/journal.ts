/** The journal and its checkpoints, from settings to the first entry. */
import { events } from "../events.ts";
import type { Journal, JournalNews } from "../journal/append.ts";
import { createCheckpoints, type Checkpoints } from "../journal/checkpoint.ts";
import { nodeDisk } from "../journal/disk.ts";
import type { Entry } from "../journal/entry.ts";
import { Floods } from "../journal/floods.ts";
import { takeLock, type Lock } from "../journal/lock.ts";
import { LastSwitchovers } from "../journal/last-switchovers.ts";
import { OpenDoNotCalls, type SavedDoNotCalls } from "../journal/open-do-not-calls.ts";
import type { Checkpoint } from "../journal/note.ts";
import { openChecked, WITNESSES } from "../journal/open-checked.ts";
import { readEntries } from "../journal/read.ts";
import { beginRun } from "../journal/run.ts";
import type { StateSigner } from "../journal/start-state.ts";
import { readMicros } from "../journal/time.ts";
import type { Settings } from "../settings/schema.ts";
import { copyKeyChecks, KNOWN_SECRETS } from "./index-keys.ts";
import { startOutsideEvidence, WitnessSizes, type OutsideEvidence } from "./outside-evidence.ts";
import { readSecondPlaces, startPublishing, type SecondPlaces } from "./second-places.ts";
import { signingKeyOf, trustOf } from "./trust.ts";
import type { Stops } from "./stops.ts";
import { VERSION } from "./version.ts";

export type Started = {
  readonly lock: Lock;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly secondPlaces: SecondPlaces;
  readonly outside: OutsideEvidence;
  readonly openDoNotCalls: OpenDoNotCalls;
  readonly switchovers: LastSwitchovers;
  /** Who signs what lies beside the checkpoints, and which of them lie elsewhere. */
  readonly signer: StateSigner;
  readonly elsewhere: readonly Checkpoint[];
  /** Requests of earlier runs that have no outcome. */
  readonly doubts: number;
};

/** `lock`: when it was waited for. `command`: by which name another process hears who holds it. */
export type Locking = {
  readonly lock?: Lock | undefined;
  readonly command?: string | undefined;
  /** Told why, when the lock is gone: this process must end, so that another can write. */ readonly unlocked?:
    | ((reason: string) => void)
    | undefined;
};

export const startJournal = async (
  settings: Settings,
  configHash: string,
  stops: Stops,
  locking: Locking = {},
): Promise<Started> => {
  const { audit } = settings;
  // First of all: what follows reads, and makes, what belongs to the holder.
  const lock = locking.lock ?? (await lockOf(audit.dir, locking.command));
  // The journal releases it, once it is opened: not before its last write has ended.
  let isHandedOver = false;
  stops.push(() => (isHandedOver ? undefined : lock.release()));
  const found = await readSecondPlaces(settings);
  const key = await signingKeyOf(settings);
  const signer: StateSigner = { key, origin: audit.checkpoint.origin };
  const openDoNotCalls = new OpenDoNotCalls();
  const switchovers = new LastSwitchovers();
  const kept = keepBeside(openDoNotCalls, switchovers);
  const witnessSizes = new WitnessSizes();
  isHandedOver = true;
  const { journal, anchor, warnings, published, elsewhere } = await openChecked(
    {
      dir: audit.dir,
      durability: audit.durability,
      onFailure: audit.on_failure,
      stuckMs: audit.disk_timeout,
      tell: tellOf(locking),
      lock,
      written: kept.options.written,
      beside: { ...kept.options.beside, [WITNESSES]: witnessSizes.save },
    },
    trustOf(settings, key, found),
    events.anchorNotWritten,
  );
  stops.push(() => journal.close());
  journal.keys.use(audit.index_key, configHash, KNOWN_SECRETS);
  await kept.restore(journal);
  const { size, torn } = journal.status();
  events.journalOpened(audit.dir, size, size - journal.begun.at);
  for (const { size: of, reason } of journal.begun.passedOver) events.startStatePassedOver(of, reason);
  if (torn) events.journalTailCut(torn.segment, torn.bytes);
  warnings.forEach(events.journalWarning);
  const secondPlaces = await startPublishing(found, published, journal, stops);
  const outside = await startOutsideEvidence(settings, journal, witnessSizes, stops);
  const publish = (note: string): void => {
    secondPlaces.publish(note);
    outside.submit(note);
  };
  const checkpoints = await createCheckpoints(journal, {
    key,
    origin: audit.checkpoint.origin,
    everyMs: audit.checkpoint.every,
    onFailure: events.checkpointFailed,
    onStateFailure: events.startStateFailed,
    publish,
    anchor,
  });
  stops.push(() => checkpoints.stop());
  const doubts = await beginRun(journal, { version: VERSION, config_hash: configHash });
  if (doubts > 0) events.journalDoubts(doubts);
  for (const detail of warnings)
    await journal.append({ kind: "alarm", reason: "what vouches for the journal is not as it was left", detail });
  // Before anybody is served: from the first request on, the anchor tells of a journal that was taken away.
  await checkpoints.write().catch((error: unknown) => {
    if (audit.on_failure !== "continue") throw error;
    events.checkpointFailed(error);
  });
  await copyKeyChecks(journal).catch(events.keyChecksNotCopied);
  stops.push(() => journal.append({ kind: "stop", reason: "asked to stop" }).catch(() => undefined));
  const floods = new Floods({ note: journal.note });
  stops.push(floods.flush);
  const troubles = (): readonly string[] => [
    ...warnings,
    ...secondPlaces.troubles(),
    ...outside.troubles(),
    ...(anchor.trouble === undefined ? [] : [anchor.trouble]),
  ];
  const { dir, disk, unsettled, deleted, keys, revoked, asides, begun, append, status, believed, head, close } =
    journal;
  return {
    lock,
    journal: {
      dir,
      disk,
      unsettled,
      deleted,
      keys,
      revoked,
      asides,
      begun,
      append,
      status,
      believed,
      head,
      close,
      note: floods.note,
    },
    checkpoints,
    openDoNotCalls,
    switchovers,
    secondPlaces: { ...secondPlaces, troubles },
    outside,
    signer,
    elsewhere,
    doubts,
  };
};

/** A command holds it for moments, but where it reads a long journal first. */
const COMMAND_MS = 60_000;

const lockOf = async (dir: string, command = "ocsgw run"): Promise<Lock> => {
  await nodeDisk.makeDirectory(dir);
  return takeLock(dir, { command, role: "gateway", patienceMs: COMMAND_MS, onWait: events.waitsForCommand });
};

const OPEN = "open-do-not-calls";
const SWITCHOVERS = "switchovers";
/** More would stop the traffic for more than some milliseconds at each checkpoint: a start asks the index for them. */
const MOST_SAVED = 2000;

const NONE: SavedDoNotCalls = { size: 0, open: [], under_way: [] };

/** What is known from the entries as they are written, and kept with each start state. `restore`: once the journal is open. */
export const keepBeside = (counter: OpenDoNotCalls, switchovers = new LastSwitchovers()) => ({
  options: {
    written: (entry: Entry, index: number, micros: number): void => {
      counter.take(entry, index, micros);
      switchovers.take(entry);
    },
    beside: {
      [OPEN]: () => ((counter.count ?? Infinity) <= MOST_SAVED ? counter.save() : null),
      [SWITCHOVERS]: () => switchovers.save(),
    },
  },
  restore: (journal: Journal) => restoreBeside(journal, counter, switchovers),
});

/**
 * None of a new journal; what was known at the start state, and what the lines above it say. Without, the index is asked for open Do-Not-Calls once
 * all listens, and switchovers are looked for when they are needed.
 */
const restoreBeside = async (
  { dir, disk, begun, status }: Journal,
  openDoNotCalls: OpenDoNotCalls,
  switchovers: LastSwitchovers,
): Promise<void> => {
  const isNew = status().size === 0;
  const open = isNew ? NONE : (begun.beside[OPEN] as SavedDoNotCalls | null | undefined);
  const last = isNew ? [] : (begun.beside[SWITCHOVERS] as ReturnType<LastSwitchovers["save"]> | undefined);
  if (open) openDoNotCalls.restore(open);
  if (last) switchovers.restore(last);
  if (!open && !last) return;
  for await (const entry of readEntries(dir, { from: begun.at, to: status().size }, disk)) {
    if (open) openDoNotCalls.take(entry, entry.index, readMicros(entry.time));
    switchovers.take(entry);
  }
};

const tellOf =
  ({ unlocked }: Locking) =>
  (news: JournalNews): void => {
    switch (news.kind) {
      case "broken":
        return events.journalBroken(news.reason);
      case "mended":
        return events.journalMended(news.afterMs, news.lost, news.owed);
      case "clock":
        return events.clockStepped(news.stepMs);
      case "unlocked":
        events.lockLost(news.reason);
        return unlocked?.(news.reason);
    }
  };
