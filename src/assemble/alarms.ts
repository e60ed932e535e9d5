/** Alarms for operators: the journal, the metric and the log. What goes on is told once a minute, with how often it was. */
import type { Counts } from "../console/counts.ts";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { Alarm } from "../journal/entry.ts";

export type Alarms = { readonly raise: (alarm: Omit<Alarm, "kind"> & { readonly upstream: string }) => void };

const AGAIN_MS = 60_000;

export const createAlarms = (journal: Pick<Journal, "note">, counts: Counts, now: () => number = () => performance.now()): Alarms => {
  const told = new Map<string, { at: number; more: number }>();
  return {
    raise: (alarm) => {
      const key = JSON.stringify([alarm.reason, alarm.upstream, alarm.tenant?.dbid]);
      const last = told.get(key);
      if (last && now() - last.at < AGAIN_MS) return void last.more++;
      told.set(key, { at: now(), more: 0 });
      counts.alarm(alarm.upstream);
      events.alarm(alarm.reason, alarm.upstream, alarm.tenant?.name);
      const more = last && last.more > 0 ? `${last.more} more since the last one` : undefined;
      const detail = [alarm.detail, more].filter((part) => part !== undefined).join("; ");
      journal.note({ kind: "alarm", ...alarm, ...(detail !== "" && { detail }) });
    },
  };
};
