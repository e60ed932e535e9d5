/**
 * Verifies the journal's old entries again, slowly, while the gateway serves: all of them once a day, new ones every
 * hour. Entries that match what was signed move a signed mark; damage raises an alarm, and the gateway goes on.
 */
import { Worker } from "node:worker_threads";
import { events } from "../../../common/log/events.ts";
import type { Journal } from "../../../journal/journal.ts";
import type { Checkpoints } from "../../../journal/integrity/checkpoints/checkpoint.ts";
import type { Checkpoint } from "../../../journal/integrity/checkpoints/signed-note.ts";
import { segmentName } from "../../../journal/paths.ts";
import {
  readMark,
  removeMark,
  writeMark,
  type Mark,
} from "../../../journal/integrity/background-verify/verified-mark.ts";
import type { WorkerOptions, WorkerMessage } from "../../../journal/integrity/background-verify/messages.ts";
import type { Damage, Verified } from "../../../journal/integrity/background-verify/background-verify.ts";
import type { StateSigner } from "../../../journal/write/start-state.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";
import { listenInBackground } from "../../../common/threads/background-worker.ts";

export type BackgroundVerify = {
  /** Entries below index `size` were verified at `at` (milliseconds since 1970); undefined before the first mark. */
  readonly verified: () => { readonly size: number; readonly at: number; readonly began: number } | undefined;
  /** One sentence for each damaged part. */
  readonly damage: () => readonly string[];
  /**
   * To be called when a segment was set aside: its damage is no longer reported, and all entries are soon verified
   * again. `first`: the segment's first index.
   */
  readonly wasSetAside: (first: number) => void;
};

type Parts = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "last">;
  readonly signer: StateSigner;
  readonly published: readonly Checkpoint[];
  readonly firstMs?: number;
  readonly retryMs?: number;
};

/** Clients that reconnect after a start are served first. */
const FIRST_MS = 60_000;
const HOUR_MS = 3_600_000;
const WHOLE_MS = 24 * HOUR_MS;
const MARK_MS = 60_000;
const POLL_MS = 500;
const RETRY_MS = 60_000;
/** Verification pauses while journal entries wait longer than this for the disk. */
const LATE_MS = 50;

type Progress = {
  readonly damaged: (damage: Damage) => void;
  /** Called now and then, and at the end, with all that was verified so far. */
  readonly reach: (verified: Verified) => void;
};

/** Starts the thread of one pass; the process may end while it runs. */
const startWorker = (workerData: WorkerOptions, { damaged, reach }: Progress): Worker => {
  const worker = new Worker(new URL("../../../journal/integrity/background-verify/worker.ts", import.meta.url), {
    workerData,
    name: "reread",
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  });
  listenInBackground(worker, (message: WorkerMessage) => {
    if (message.kind === "damaged") damaged(message.damage);
    if (message.kind === "failed") events.backgroundVerifyFailed({ reason: message.reason });
    if (message.kind === "verified") reach(message.verified);
  });
  worker.on("error", (error) => events.backgroundVerifyFailed({ reason: error.message }));
  return worker;
};

/**
 * `published`: checkpoints from outside the directory. `firstMs`: delay before the first pass. `retryMs`: between
 * attempts to remove a mark that is wrong.
 */
export const startBackgroundVerify = async (
  { journal, checkpoints, signer, published, firstMs = FIRST_MS, retryMs = RETRY_MS }: Parts,
  stops: ShutdownSteps,
): Promise<BackgroundVerify> => {
  const kept = await readMark(journal, signer);
  let mark = kept && kept.size <= journal.status().size ? kept : undefined;
  let reached: Verified | undefined = mark;
  let began = mark?.began ?? 0;
  const found = new Map<string, Damage>();
  const flag = new SharedArrayBuffer(4);
  const isPaused = new Int32Array(flag);
  let worker: Worker | undefined;
  const queue = new SerialQueue();
  /** The mark on the disk says that damaged entries are verified: a start that trusts it would not read them. */
  let isMarkWrong = false;
  const write = (next: Mark): void =>
    void queue
      .run(async () => {
        await writeMark(journal, next, signer);
        isMarkWrong = false;
      })
      .catch((error: unknown) => events.verifiedMarkNotWritten({ error }));
  const remove = (): void =>
    void queue
      .run(async () => {
        if (!isMarkWrong) return;
        await removeMark(journal);
        isMarkWrong = false;
      })
      .catch((error: unknown) => events.verifiedMarkNotRemoved({ error }));
  const invalidate = (): void => {
    [mark, reached, isMarkWrong] = [undefined, undefined, true];
    remove();
  };

  const damaged = (damage: Damage): void => {
    if (found.has(damage.text)) return;
    found.set(damage.text, damage);
    events.journalDamaged({ damage: damage.text });
    journal.note({ kind: "alarm", reason: "the journal is damaged below its last checkpoint", detail: damage.text });
    invalidate();
  };
  const sign = (verified: Verified): void => {
    if (found.size > 0 || verified.size < (mark?.size ?? 0)) return;
    mark = { ...verified, began, at: Date.now() };
    write(mark);
  };
  const pass = (): void => {
    const until = checkpoints.last().size;
    const from = Date.now() - began >= WHOLE_MS ? undefined : reached;
    if (worker || until <= (from?.size ?? 0)) return;
    if (from === undefined) began = Date.now();
    let signedAt = performance.now();
    const reach = (verified: Verified): void => {
      reached = verified;
      if (performance.now() - signedAt < MARK_MS && verified.size < until) return;
      signedAt = performance.now();
      sign(verified);
    };
    const setAsideRanges = journal.setAsideRanges();
    worker = startWorker({ dir: journal.dir, until, from, setAsideRanges, published, flag }, { damaged, reach });
    worker.on("exit", () => (worker = undefined));
  };
  let again: NodeJS.Timeout | undefined;
  const timers = [
    setTimeout(pass, firstMs).unref(),
    setInterval(pass, HOUR_MS).unref(),
    setInterval(remove, retryMs).unref(),
    setInterval(() => {
      const { failed, lag } = journal.status();
      Atomics.store(isPaused, 0, failed !== undefined || lag > LATE_MS ? 1 : 0);
    }, POLL_MS).unref(),
  ];
  stops.push(async () => {
    [...timers, ...(again ? [again] : [])].forEach(clearInterval);
    await worker?.terminate();
    remove();
    await queue.idle();
  });
  return {
    verified: () => mark && { size: mark.size, at: mark.at, began: mark.began },
    damage: () => [...found.values()].map(({ text }) => text),
    wasSetAside: (first) => {
      for (const [text, { segment }] of found) if (segment === segmentName(first)) found.delete(text);
      began = 0;
      worker?.removeAllListeners("message");
      void worker?.terminate();
      invalidate();
      again ??= setTimeout(() => {
        again = undefined;
        pass();
      }, firstMs).unref();
    },
  };
};
