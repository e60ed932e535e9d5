/**
 * The dialer: retrieves records of running groups on request or at a rate, validates each, and emits an event with the
 * data that a client would get. Lists take turns. While the validation-uri does not answer, the dialer pauses.
 */
import { ASSUMED } from "../assumptions.ts";
import { createAnnouncements, type Announcement } from "./announcements.ts";
import { attempt, type Attempt } from "./attempt.ts";
import { attachedData, type AttachedData } from "./attached-data.ts";
import { createCallReports } from "./call-report.ts";
import { diallingLists, issuedRecords, type Retrieved } from "./retrieve-records.ts";
import type { CallingList } from "../world/directory.ts";
import { createEventLog, type EventLog, type SandboxEvent } from "../world/event-log.ts";
import { settle } from "../world/groups.ts";
import { createPoster, type PosterOptions } from "./http-post.ts";
import { createPace } from "./pace.ts";
import { waitingIn } from "./waiting.ts";
import type { Hours } from "../world/records.ts";
import { announceRecord, type Verdict } from "./announce.ts";
import { deliver } from "../control/webhook.ts";
import type { World } from "../world/world.ts";

export type DialerSettings = {
  /** Records per second; 0: off. */
  readonly rate: number;
  /** Scheme and authority of GSW_RECORD_URI; undefined: those of the active OCS instance. */
  readonly recordBase: string | undefined;
  /** OCS's options validation-uri and history-uri. */
  readonly validationUri: string | undefined;
  readonly historyUri: string | undefined;
  /** Milliseconds. */
  readonly responseTimeout: number;
  readonly timeoutCallResult: number;
  /** The URL to which every event is posted. */
  readonly webhook: string | undefined;
};

export type DialRequest = {
  readonly lists?: readonly CallingList[];
  readonly count: number;
  readonly hours?: Hours;
  /** A second URL, to which only the events of this request are posted. */ readonly to?: string | undefined;
};
/** `held`: why the dialer stopped early although records are left. */
export type Dialed = {
  readonly retrieved: readonly Retrieved[];
  readonly events: readonly SandboxEvent[];
  readonly held: string | undefined;
};

export type Dialer = {
  readonly log: EventLog;
  readonly settings: () => DialerSettings;
  readonly configure: (changes: Partial<DialerSettings>) => void;
  /** The last records that were announced to the validation-uri, the newest first. */
  readonly announcements: () => readonly Announcement[];
  /** Dials now. Resolves when `count` records are dialed or no more can be dialed. */
  readonly dial: (wish: DialRequest) => Promise<Dialed>;
  /**
   * Posts every issued handle to the validation-uri again, in the same form as for a validation. Resolves to true when
   * every post got an answer.
   */
  readonly announce: () => Promise<boolean>;
  /** Calls `onIdle` when the dialer, at its rate, finds no record to dial: once until it dials one again. */
  readonly followIdle: (onIdle: (because: string) => void) => void;
  /** Call this after a request that may have ended a call. */
  readonly settled: () => void;
  readonly close: () => Promise<void>;
};

/** The pause after the validation-uri gave no answer. */
const PAUSE_MS = 1000;

/** `ca`: PEM of the CAs for https URLs. `from` and `base`: local address and http URL of the active OCS instance. */
export type DialerPlace = Pick<PosterOptions, "ca" | "from"> & { readonly base: () => string };

export const createDialer = (world: World, given: Partial<DialerSettings>, place: DialerPlace): Dialer => {
  let settings: DialerSettings = {
    rate: 0,
    validationUri: undefined,
    historyUri: undefined,
    webhook: undefined,
    recordBase: undefined,
    responseTimeout: ASSUMED.validationTimeout.value,
    timeoutCallResult: ASSUMED.validationTimeoutResult.value,
  };
  const log = createEventLog(world);
  const poster = createPoster({ poolSize: ASSUMED.validationPool.value, ...place });
  const reports = createCallReports(world, poster, settings.responseTimeout);
  const announcements = createAnnouncements(world);
  const over = new AbortController();
  const running = new Set<Promise<unknown>>();
  const track = <Value>(work: Promise<Value>): Promise<Value> => {
    running.add(work);
    void work.catch(() => undefined).finally(() => running.delete(work));
    return work;
  };
  const base = (): string => settings.recordBase ?? place.base();
  let announced = true;
  let turn = 0;

  const announce = async (): Promise<boolean> => {
    const { validationUri, responseTimeout } = settings;
    if (validationUri === undefined) return (announced = true);
    announced = false;
    for (const retrieved of issuedRecords(world)) {
      const data = attachedData(world, retrieved, base());
      const noteAnswer = announcements.begin({ ...retrieved, data }, "again");
      const answer = await poster.post(validationUri, data, responseTimeout).catch((error: Error) => error.message);
      noteAnswer(
        typeof answer === "string"
          ? { decision: "later", because: answer }
          : { decision: "noted", because: answer.status === 200 ? null : `answered ${answer.status}` },
      );
      if (typeof answer === "string") return false;
    }
    return (announced = true);
  };

  const attemptOne = async (list: CallingList, hours: Hours, to: string | undefined): Promise<Attempt> => {
    const { validationUri, historyUri, webhook } = settings;
    const asked = validationUri === undefined ? undefined : { ...settings, validationUri };
    const ask = asked && {
      announce: async (data: AttachedData): Promise<Verdict> => {
        const noteAnswer = announcements.begin({ list, data }, "dialing");
        const verdict = await announceRecord(poster, data, asked);
        noteAnswer({ decision: verdict.kind, because: verdict.kind === "dial" ? null : verdict.because });
        return verdict;
      },
    };
    const made = await attempt({ world, log, base: base(), announce: ask?.announce }, list, hours);
    if (made.kind === "dialed" && historyUri !== undefined) void track(reports.attempt(historyUri, made.retrieved));
    for (const url of [webhook, to])
      if (url !== undefined) for (const event of made.events) void track(deliver(poster, url, event, over.signal));
    return made;
  };

  /** Attempts a record of the first list that has one to dial; each call begins with the next list. */
  const next = async (lists: readonly CallingList[], hours: Hours, to?: string): Promise<Attempt> => {
    if (!announced && !(await announce()))
      return { kind: "later", because: `no answer from ${settings.validationUri}`, events: [] };
    const first = turn++;
    const events: SandboxEvent[] = [];
    for (let at = 0; at < lists.length; at++) {
      const made = await attemptOne(lists[(first + at) % lists.length]!, hours, to);
      events.push(...made.events);
      if (made.kind !== "none") return { ...made, events };
    }
    return { kind: "none", events };
  };

  const dial = async ({ lists, count, hours = "daily", to }: DialRequest): Promise<Dialed> => {
    const retrieved: Retrieved[] = [];
    const events: SandboxEvent[] = [];
    while (retrieved.length < count && !over.signal.aborted) {
      const made = await next(lists ?? diallingLists(world), hours, to);
      events.push(...made.events);
      if (made.kind === "dialed") retrieved.push(made.retrieved);
      if (made.kind === "none" || made.kind === "later")
        return { retrieved, events, held: made.kind === "later" ? made.because : undefined };
    }
    return { retrieved, events, held: undefined };
  };

  const idleListeners: ((because: string) => void)[] = [];
  let isIdle = false;
  const pace = createPace(async () => {
    const { kind } = await track(next(diallingLists(world), "daily"));
    if (kind === "none" && !isIdle) for (const onIdle of idleListeners) onIdle(waitingIn(world, diallingLists(world)));
    isIdle = kind === "none";
    return kind === "later" ? PAUSE_MS : 0;
  }, ASSUMED.validationPool.value);

  const settled = (): void => {
    if (settings.historyUri !== undefined && !over.signal.aborted) void track(reports.ends(settings.historyUri));
  };
  // Timeouts end calls without a request, and the validation-uri may be reachable again.
  const beat = setInterval(() => {
    if (!announced) void track(announce());
    if (settings.historyUri === undefined) return;
    world.db.transaction(() => {
      settle(world);
    });
    settled();
  }, PAUSE_MS).unref();

  const configure = (changes: Partial<DialerSettings>): void => {
    const previous = settings.validationUri;
    settings = { ...settings, ...changes };
    if (settings.validationUri !== previous) announced = settings.validationUri === undefined;
    pace.set(settings.rate);
  };
  configure(given);

  return {
    log,
    settings: () => settings,
    configure,
    announcements: announcements.list,
    dial: (wish) => track(dial(wish)),
    announce: () => track(announce()),
    followIdle: (onIdle) => void idleListeners.push(onIdle),
    settled,
    close: async () => {
      over.abort();
      clearInterval(beat);
      pace.stop();
      poster.close();
      await Promise.allSettled(running);
    },
  };
};
