/**
 * While the gateway serves, the journal's old entries are read again, slowly: once a day from the first one, every hour what is new since. What is as it was
 * signed gets a mark; what is not raises an alarm, and the gateway goes on.
 */
import { Worker } from "node:worker_threads";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { Checkpoints } from "../journal/checkpoint.ts";
import type { Checkpoint } from "../journal/note.ts";
import { segmentName } from "../journal/places.ts";
import { readMark, removeMark, writeMark } from "../journal/reread/mark.ts";
import type { Asked, Told } from "../journal/reread/questions.ts";
import type { Damage, Verified } from "../journal/reread/reread.ts";
import type { StateSigner } from "../journal/start-state.ts";
import type { Stops } from "./stops.ts";

export type Rereading = {
  /** Entries below `size` were read and found as they were signed, at `at` (milliseconds since 1970); undefined before the first mark. */
  readonly verified: () => { readonly size: number; readonly at: number } | undefined;
  /** In words, what is damaged. */
  readonly damage: () => readonly string[];
  /** A segment was set aside: of its damage nobody need be told any more, and all is read again, soon. `first`: its first index. */
  readonly wasSetAside: (first: number) => void;
};

type Parts = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "last">;
  readonly signer: StateSigner;
  readonly published: readonly Checkpoint[];
  readonly firstMs?: number;
};

/** Clients that come back after a start are served first. */
const FIRST_MS = 60_000;
const HOUR_MS = 3_600_000;
const WHOLE_MS = 24 * HOUR_MS;
const MARK_MS = 60_000;
const LOOK_MS = 500;
/** Entries that wait longer have the disk for themselves. */
const LATE_MS = 50;

export const startRereading = async (
  { journal, checkpoints, signer, published, firstMs = FIRST_MS }: Parts,
  stops: Stops,
): Promise<Rereading> => {
  const kept = await readMark(journal, signer);
  let mark = kept && kept.size <= journal.status().size ? kept : undefined;
  let reached: Verified | undefined = mark;
  let began = mark?.began ?? 0;
  const found = new Map<string, Damage>();
  const flag = new SharedArrayBuffer(4);
  const isPaused = new Int32Array(flag);
  let worker: Worker | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => void (turn = turn.then(work).catch(events.markFailed));

  const damaged = (damage: Damage): void => {
    if (found.has(damage.text)) return;
    found.set(damage.text, damage);
    events.journalDamaged(damage.text);
    journal.note({ kind: "alarm", reason: "the journal is damaged below its last checkpoint", detail: damage.text });
    [mark, reached] = [undefined, undefined];
    inTurn(() => removeMark(journal));
  };
  const sign = (verified: Verified): void => {
    if (found.size > 0 || verified.size < (mark?.size ?? 0)) return;
    mark = { ...verified, began, at: Date.now() };
    inTurn(() => writeMark(journal, mark!, signer));
  };
  const pass = (): void => {
    const until = checkpoints.last().size;
    const from = Date.now() - began >= WHOLE_MS ? undefined : reached;
    if (worker || until <= (from?.size ?? 0)) return;
    if (from === undefined) began = Date.now();
    const asked: Asked = { dir: journal.dir, until, from, asides: journal.asides(), published, flag };
    let signedAt = performance.now();
    worker = new Worker(new URL("../journal/reread/worker.ts", import.meta.url), {
      workerData: asked,
      name: "reread",
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    worker.unref();
    worker.on("message", (told: Told) => {
      if (told.kind === "damaged") damaged(told.damage);
      if (told.kind === "failed") events.rereadingFailed(told.reason);
      if (told.kind === "verified") {
        reached = told.verified;
        if (performance.now() - signedAt < MARK_MS && told.verified.size < until) return;
        signedAt = performance.now();
        sign(told.verified);
      }
    });
    worker.on("error", (error) => events.rereadingFailed(error.message));
    worker.on("exit", () => (worker = undefined));
  };
  let again: NodeJS.Timeout | undefined;
  const timers = [
    setTimeout(pass, firstMs).unref(),
    setInterval(pass, HOUR_MS).unref(),
    setInterval(() => {
      const { failed, lag } = journal.status();
      Atomics.store(isPaused, 0, failed !== undefined || lag > LATE_MS ? 1 : 0);
    }, LOOK_MS).unref(),
  ];
  stops.push(async () => {
    [...timers, ...(again ? [again] : [])].forEach(clearInterval);
    await worker?.terminate();
    await turn;
  });
  return {
    verified: () => mark && { size: mark.size, at: mark.at },
    damage: () => [...found.values()].map(({ text }) => text),
    wasSetAside: (first) => {
      for (const [text, { segment }] of found) if (segment === segmentName(first)) found.delete(text);
      [mark, reached, began] = [undefined, undefined, 0];
      worker?.removeAllListeners("message");
      void worker?.terminate();
      inTurn(() => removeMark(journal));
      again ??= setTimeout(() => {
        again = undefined;
        pass();
      }, firstMs).unref();
    },
  };
};
