/**
 * Alarms for operators, in journal, metric and log. Each alarm is a journal entry of its own; the log has at most one
 * line a minute of each kind.
 */
import type { Counts } from "../../admin/counters.ts";
import { events } from "../../common/log/events.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Alarm } from "../../journal/entry.ts";

/** `advice`: for the log only: what the alarm means for clients, and what to do. No full stop at the end. */
export type Raised = Omit<Alarm, "kind"> & { readonly upstream: string; readonly advice: string };

export type Alarms = {
  /** For an event: two tenants used one handle, or an announcement contradicted itself. One entry for each call. */
  readonly raise: (alarm: Raised) => void;
  /**
   * For a condition that every record shows again, such as a validator that does not answer. At most one entry a
   * minute, with the number of calls since the last one.
   */
  readonly raiseOngoing: (alarm: Raised) => void;
};

const MIN_INTERVAL_MS = 60_000;

type Now = () => number;

const monotonic: Now = () => performance.now();

export const createAlarms = (journal: Pick<Journal, "note">, counts: Counts, now: Now = monotonic): Alarms => {
  const mayLog = rateLimiter(now);
  const mayJournal = rateLimiter(now);
  const report = (alarm: Raised): void => {
    counts.alarm(alarm.upstream);
    const logged = mayLog(alarm);
    const { advice, ...entry } = alarm;
    if (logged) {
      const { reason, upstream, tenant } = alarm;
      const { suppressed } = logged;
      events.alarm({ reason, advice, upstream, tenant: tenant?.name, ...(suppressed > 0 && { suppressed }) });
    }
    journal.note({ kind: "alarm", ...entry });
  };
  return {
    raise: report,
    raiseOngoing: (alarm) => {
      const allowed = mayJournal(alarm);
      if (!allowed) return;
      const more = allowed.suppressed > 0 ? `${allowed.suppressed} more since the last one` : undefined;
      const detail = [alarm.detail, more].filter((part) => part !== undefined).join("; ");
      report({ ...alarm, ...(detail !== "" && { detail }) });
    },
  };
};

/**
 * Passes one alarm a minute for each reason, upstream and tenant, with the number suppressed since. There are few keys:
 * reasons are a closed list, and handle and detail are not part of a key.
 */
const rateLimiter = (now: () => number): ((alarm: Raised) => { readonly suppressed: number } | undefined) => {
  const last = new Map<string, { at: number; suppressed: number }>();
  return ({ reason, upstream, tenant }) => {
    const key = JSON.stringify([reason, upstream, tenant?.dbid]);
    const previous = last.get(key);
    if (previous && now() - previous.at < MIN_INTERVAL_MS) return void previous.suppressed++;
    last.set(key, { at: now(), suppressed: 0 });
    return { suppressed: previous?.suppressed ?? 0 };
  };
};
