/** Opens the journal and its checkpoints from the settings. */
import type { KeyObject } from "node:crypto";
import { events } from "../../../common/log/events.ts";
import type { Journal, JournalNews } from "../../../journal/journal.ts";
import type { Anchor } from "../../../journal/integrity/checkpoints/anchor.ts";
import { createCheckpoints, type Checkpoints } from "../../../journal/integrity/checkpoints/checkpoint.ts";
import { nodeDisk } from "../../../journal/disk.ts";
import type { Entry } from "../../../journal/entry.ts";
import { RefusalSampling } from "../../../journal/write/refusal-sampling/refusal-sampling.ts";
import { takeLock, type Lock } from "../../../journal/lock/lock.ts";
import { LastSwitchovers } from "../../../journal/write/last-switchovers.ts";
import { OpenDoNotCalls, type SavedDoNotCalls } from "../../../journal/open-dnc/open-dnc-counter.ts";
import type { Checkpoint } from "../../../journal/integrity/checkpoints/signed-note.ts";
import { openChecked } from "../../../journal/write/open-checked.ts";
import { readEntries } from "../../../journal/read/read-entries.ts";
import { writeStartEntries } from "../../../journal/write/start-entries.ts";
import type { StateSigner } from "../../../journal/write/start-state.ts";
import { readMicros } from "../../../journal/time.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import { copyKeyChecks, KNOWN_SECRETS } from "./index-keys.ts";
import { startOutsideEvidence, WitnessSizes, type OutsideEvidence } from "./outside-evidence.ts";
import { readCheckpointSinks, startPublishing, type CheckpointSinks } from "./checkpoint-sinks.ts";
import { startForwarding, type Forwarding } from "../forwarding.ts";
import { signingKeyOf, trustOf } from "./journal-trust.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { REFUSALS } from "../../../gateway/refusals.ts";
import { VERSION } from "../../version.ts";

export type Started = {
  readonly lock: Lock;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly checkpointSinks: CheckpointSinks;
  readonly outside: OutsideEvidence;
  readonly witnessSizes: WitnessSizes;
  readonly forwarding: Forwarding;
  readonly openDoNotCalls: OpenDoNotCalls;
  readonly switchovers: LastSwitchovers;
  /** `signer`: signs the state files beside the checkpoints. `publishedCheckpoints`: those outside the directory. */
  readonly signer: StateSigner;
  readonly publishedCheckpoints: readonly Checkpoint[];
  /** Requests of earlier runs that have no outcome. */
  readonly doubts: number;
};

/** `lock`: if the process already has it. `command`: the name that other processes see as the lock's holder. */
export type Locking = {
  readonly lock?: Lock | undefined;
  readonly command?: string | undefined;
  /** Called with the reason when the lock is lost: this process must end, so that another can write. */
  readonly unlocked?: ((reason: string) => void) | undefined;
  /**
   * Called with every entry that this run has written to disk, its time in microseconds since 1970 and its index.
   */
  readonly written?: ((entry: Entry, micros: number, index: number) => void) | undefined;
};

/**
 * Takes the lock, compares the journal with its evidence, and writes the start entries and a checkpoint. Rejects when
 * the lock is held, the journal contradicts its evidence, or a file cannot be read or written.
 */
export const startJournal = async (
  settings: Settings,
  configHash: string,
  stops: ShutdownSteps,
  locking: Locking = {},
): Promise<Started> => {
  const { audit } = settings;
  // First, because the next steps read and create files that only the lock's holder may touch.
  const lock = locking.lock ?? (await lockOf(audit.dir, locking.command));
  // Once open, the journal releases the lock itself, after its last write.
  let isHandedOver = false;
  stops.push(() => (isHandedOver ? undefined : lock.release()));
  const readings = await readCheckpointSinks(settings);
  const key = await signingKeyOf(settings);
  const openDoNotCalls = new OpenDoNotCalls();
  const switchovers = new LastSwitchovers();
  const facts = savedFacts(openDoNotCalls, switchovers, locking.written);
  const witnessSizes = new WitnessSizes();
  isHandedOver = true;
  const { journal, anchor, warnings, published, publishedCheckpoints } = await openChecked(
    {
      dir: audit.dir,
      durability: audit.durability,
      onFailure: audit.on_failure,
      refusal: REFUSALS["journal-unavailable"],
      stuckMs: audit.disk_timeout,
      onNews: reportNews(locking),
      lock,
      written: facts.options.written,
      beside: {
        ...facts.options.beside,
        ...witnessSizes.beside,
      },
    },
    trustOf(settings, key, readings),
    (reason) => (reason === undefined ? events.anchorRecovered() : events.anchorNotWritten({ reason })),
  );
  witnessSizes.before = journal.openedFrom.beside;
  stops.push(() => journal.close());
  journal.keys.use(audit.index_key, configHash, KNOWN_SECRETS);
  await facts.restore(journal);
  logOpened(journal, warnings);
  const forwarding = await startForwarding(journal, settings, stops);
  const sinks = await startPublishing(readings, published, journal, stops);
  const outside = await startOutsideEvidence(settings, journal, witnessSizes, stops);
  const checkpoints = await startCheckpoints(settings, { journal, key, anchor, sinks, outside }, stops);
  const doubts = await writeStart(settings, { journal, checkpoints, warnings, configHash });
  stops.push(() => journal.append({ kind: "stop", reason: "asked to stop" }).catch(() => undefined));
  const troubles = (): readonly string[] => [
    ...warnings,
    ...sinks.troubles(),
    ...outside.troubles(),
    ...forwarding.troubles(),
    ...(anchor.trouble === undefined ? [] : [anchor.trouble]),
  ];
  return {
    lock,
    journal: withRefusalSampling(journal, stops),
    checkpoints,
    openDoNotCalls,
    switchovers,
    checkpointSinks: { ...sinks, troubles },
    outside,
    witnessSizes,
    forwarding,
    signer: { key, origin: audit.checkpoint.origin },
    publishedCheckpoints,
    doubts,
  };
};

const logOpened = ({ dir, status, openedFrom }: Journal, warnings: readonly string[]): void => {
  const { size, torn } = status();
  events.journalOpened({ dir, size, read: size - openedFrom.at });
  for (const { size: of, reason } of openedFrom.rejectedStates) events.startStateUnusable({ size: of, reason });
  if (torn) events.journalTailTruncated({ segment: torn.segment, bytes: torn.bytes });
  warnings.forEach((warning) => events.journalEvidenceChanged({ warning }));
};

type CheckpointParts = {
  readonly journal: Journal;
  readonly key: KeyObject;
  readonly anchor: Anchor;
  readonly sinks: CheckpointSinks;
  readonly outside: OutsideEvidence;
};

/** Each checkpoint also goes to the sinks, the witnesses and the time stamping authority. */
const startCheckpoints = async (
  { audit: { checkpoint, on_failure } }: Settings,
  { journal, key, anchor, sinks, outside }: CheckpointParts,
  stops: ShutdownSteps,
): Promise<Checkpoints> => {
  const checkpoints = await createCheckpoints(journal, {
    key,
    origin: checkpoint.origin,
    everyMs: checkpoint.every,
    onFailure: (error) => events.checkpointNotWritten({ error }),
    onStateFailure: (error) => events.startStateNotWritten({ error }),
    publish: (note) => {
      sinks.publish(note);
      outside.submit(note);
    },
    anchor,
    mayLackAnchor: on_failure === "continue",
  });
  stops.push(() => checkpoints.stop());
  return checkpoints;
};

type StartParts = {
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly warnings: readonly string[];
  readonly configHash: string;
};

/** Writes the start entries and a checkpoint. Resolves to the number of requests of earlier runs without an outcome. */
const writeStart = async (
  { audit }: Settings,
  { journal, checkpoints, warnings, configHash }: StartParts,
): Promise<number> => {
  const doubts = await writeStartEntries(journal, { version: VERSION, config_hash: configHash });
  if (doubts > 0) events.requestsInDoubt({ requests: doubts });
  for (const detail of warnings)
    await journal.append({ kind: "alarm", reason: "evidence for the journal was changed or removed", detail });
  // Before the first request is served: from then on, the anchor reveals a journal that was removed.
  await checkpoints.write().catch((error: unknown) => {
    if (audit.on_failure !== "continue") throw error;
    events.checkpointNotWritten({ error });
  });
  await copyKeyChecks(journal).catch((error: unknown) => events.indexKeyChecksNotCopied({ error }));
  return doubts;
};

/** The journal with a `note` that counts refusals instead of writing them when they are too many. */
const withRefusalSampling = (journal: Journal, stops: ShutdownSteps): Journal => {
  const sampling = new RefusalSampling({ note: journal.note });
  stops.push(sampling.flush);
  const { dir, disk, unsettled, lastDeleted, keys, revoked, setAsideRanges, openedFrom } = journal;
  const { append, status, believed, head, close } = journal;
  return {
    dir,
    disk,
    unsettled,
    lastDeleted,
    keys,
    revoked,
    setAsideRanges,
    openedFrom,
    append,
    status,
    believed,
    head,
    close,
    note: sampling.note,
  };
};

/** Most commands hold the lock for moments; a command that first reads a long journal holds it longer. */
const COMMAND_MS = 60_000;

const lockOf = async (dir: string, command = "ocsgw run"): Promise<Lock> => {
  await nodeDisk.makeDirectory(dir);
  return takeLock(dir, {
    command,
    role: "gateway",
    patienceMs: COMMAND_MS,
    onWait: (holder) => events.journalHeldByCommand({ holder }),
  });
};

const OPEN = "open-do-not-calls";
const SWITCHOVERS = "switchovers";
/** More would block requests for some milliseconds at each checkpoint: above this, a start asks the index. */
const MOST_SAVED = 2000;

const NONE: SavedDoNotCalls = { size: 0, open: [], under_way: [] };

/**
 * Facts learned from entries as they are written, and saved with each start state. `restore`: to be called once the
 * journal is open.
 */
export const savedFacts = (
  counter: OpenDoNotCalls,
  switchovers = new LastSwitchovers(),
  written?: Locking["written"],
) => ({
  options: {
    written: (entry: Entry, index: number, micros: number): void => {
      counter.take(entry, index, micros);
      switchovers.take(entry);
      written?.(entry, micros, index);
    },
    beside: {
      [OPEN]: () => ((counter.count ?? Infinity) <= MOST_SAVED ? counter.save() : null),
      [SWITCHOVERS]: () => switchovers.save(),
    },
  },
  restore: (journal: Journal) => restoreFacts(journal, counter, switchovers),
});

/**
 * Nothing for a new journal; otherwise the facts of the start state and of the entries above it. Without a start state,
 * the index is asked for open Do-Not-Calls once all listeners are open, and switchovers are searched when needed.
 */
const restoreFacts = async (
  { dir, disk, openedFrom, status }: Journal,
  openDoNotCalls: OpenDoNotCalls,
  switchovers: LastSwitchovers,
): Promise<void> => {
  const isNew = status().size === 0;
  const open = isNew ? NONE : (openedFrom.beside[OPEN] as SavedDoNotCalls | null | undefined);
  const last = isNew ? [] : (openedFrom.beside[SWITCHOVERS] as ReturnType<LastSwitchovers["save"]> | undefined);
  if (open) openDoNotCalls.restore(open);
  if (last) switchovers.restore(last);
  if (!open && !last) return;
  for await (const entry of readEntries(dir, { from: openedFrom.at, to: status().size }, disk)) {
    if (open) openDoNotCalls.take(entry, entry.index, readMicros(entry.time));
    switchovers.take(entry);
  }
};

const reportNews =
  ({ unlocked }: Locking) =>
  (news: JournalNews): void => {
    switch (news.kind) {
      case "broken":
        return events.journalUnavailable({ reason: news.reason });
      case "recovered":
        return events.journalRecovered({ ms: news.afterMs, lost: news.lost, buffered: news.buffered });
      case "clock":
        return events.clockStepped({ ms: news.stepMs });
      case "unlocked":
        events.journalLockLost({ reason: news.reason });
        return unlocked?.(news.reason);
    }
  };
