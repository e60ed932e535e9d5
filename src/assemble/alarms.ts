/**
 * Alarms for operators: journal, metric and log. Every conflict is an entry of its own; only the log is limited to
 * once a minute.
 */
import type { Counts } from "../console/counts.ts";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { Alarm } from "../journal/entry.ts";

export type Raised = Omit<Alarm, "kind"> & { readonly upstream: string };

export type Alarms = {
  /** Something happened: a handle was used by two tenants, an announcement contradicted itself. One entry each. */
  readonly raise: (alarm: Raised) => void;
  /**
   * A condition that every record shows again: the validator does not answer. One entry a minute, with how often it
   * was raised.
   */
  readonly raiseOngoing: (alarm: Raised) => void;
};

const AGAIN_MS = 60_000;

type Now = () => number;

const monotonic: Now = () => performance.now();

export const createAlarms = (journal: Pick<Journal, "note">, counts: Counts, now: Now = monotonic): Alarms => {
  const mayLog = pacer(now);
  const mayEnter = pacer(now);
  const enter = (alarm: Raised): void => {
    counts.alarm(alarm.upstream);
    const logged = mayLog(alarm);
    if (logged) events.alarm(alarm.reason, alarm.upstream, alarm.tenant?.name, logged.unsaid);
    journal.note({ kind: "alarm", ...alarm });
  };
  return {
    raise: enter,
    raiseOngoing: (alarm) => {
      const entered = mayEnter(alarm);
      if (!entered) return;
      const more = entered.unsaid > 0 ? `${entered.unsaid} more since the last one` : undefined;
      const detail = [alarm.detail, more].filter((part) => part !== undefined).join("; ");
      enter({ ...alarm, ...(detail !== "" && { detail }) });
    },
  };
};

/**
 * Once a minute for each reason, upstream and tenant, with how many were left out since. The keys are few: reasons
 * are a closed list, and what differs from one alarm to the next (handle, detail) is not part of a key.
 */
const pacer = (now: () => number): ((alarm: Raised) => { readonly unsaid: number } | undefined) => {
  const last = new Map<string, { at: number; unsaid: number }>();
  return ({ reason, upstream, tenant }) => {
    const key = JSON.stringify([reason, upstream, tenant?.dbid]);
    const before = last.get(key);
    if (before && now() - before.at < AGAIN_MS) return void before.unsaid++;
    last.set(key, { at: now(), unsaid: 0 });
    return { unsaid: before?.unsaid ?? 0 };
  };
};
