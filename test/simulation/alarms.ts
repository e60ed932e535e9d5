/**
 * I6: no alarm without a cause, and one entry for each conflict. What may cause an alarm is known to the simulation:
 * each kind of alarm is recognised by a word of its reason, and one that no row knows is a violation, so that a new
 * alarm gets a row here.
 */
import type { Recorded } from "../../src/journal/entry.ts";
import type { Checks } from "./checks.ts";
import type { World } from "./world.ts";

type AlarmEntry = Extract<Recorded, { kind: "alarm" }>;
type Row = { readonly reason: RegExp; readonly hasCause: (checks: Checks, alarm: AlarmEntry) => boolean };

const after =
  (cause: string) =>
  (checks: Checks): boolean =>
    checks.causes.has(cause);

const CONFLICT = /another tenant|two tenants|conflict/i;

const ROWS: readonly Row[] = [
  { reason: /validator/i, hasCause: after("validator") },
  { reason: /cannot be written|store|database/i, hasCause: after("store") },
  {
    reason: /not belong to it/i,
    hasCause: (checks, { tenant }) =>
      [...checks.asked.values()].some((asked) => asked.tenant === tenant?.dbid && asked.got2106),
  },
  {
    reason: CONFLICT,
    hasCause: (checks, { identifier }) =>
      checks.causes.has("unnoticed restart") ||
      checks.misplaced.has(Number(identifier)) ||
      checks.isContradicted(Number(identifier)),
  },
  { reason: /OCS that requests do not go to|inactive OCS|not the active/i, hasCause: after("roles") },
  // An answer that was cut, or that nobody asked for.
  {
    reason: /OCS sent|OCS answered|OCS's|its answer/i,
    hasCause: (checks) => checks.causes.has("stray bytes") || checks.causes.has("cut"),
  },
];

export const judgeAlarms = ({ trace, checks }: World, entries: readonly Recorded[]): void => {
  const alarms = entries.filter((entry) => entry.kind === "alarm");
  for (const alarm of alarms) {
    const row = ROWS.find(({ reason }) => reason.test(alarm.reason));
    if (!row) trace.violate("I6", `an alarm of an unknown kind: ${JSON.stringify(alarm)}`);
    else if (!row.hasCause(checks, alarm)) trace.violate("I6", `an alarm without a cause: ${JSON.stringify(alarm)}`);
  }
  judgeConflicts(alarms, checks, (what) => trace.violate("I6", what));
};

/**
 * One entry for each conflict, however often it is said. That there is one at all is only sure where nothing else went
 * wrong.
 */
const judgeConflicts = (
  alarms: readonly AlarmEntry[],
  { conflicts, causes }: Checks,
  violate: (what: string) => void,
): void => {
  for (const [handle, all] of Map.groupBy(conflicts, ({ record }) => record.handle)) {
    const count = alarms.filter(
      ({ identifier, reason }) => Number(identifier) === handle && CONFLICT.test(reason),
    ).length;
    if (count > new Set(all.map(({ record }) => record)).size)
      violate(`the conflict over record ${handle} has ${count} entries`);
    if (
      count === 0 &&
      causes.size === 0 &&
      all.every(({ isAnswered, record: { ownedAt, isOpen } }) => isAnswered && ownedAt !== undefined && isOpen)
    )
      violate(`the conflict over record ${handle} has no entry`);
  }
};
