/** What `ocsgw discover` says: what was read, whose it is, and what is left to do. */
import type { Group, Matched } from "./match.ts";
import type { Plan } from "./plan.ts";
import type { OcsRead } from "./read-ocs.ts";

export type Found = {
  readonly read: OcsRead | undefined;
  readonly matched: Matched | undefined;
  readonly plan: Plan;
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Lines for people. */
export const reportLines = ({ read, matched, plan }: Found): readonly string[] => [
  ...(read && matched ? readLines(read, matched) : []),
  ...plan.tenants.map(
    ({ name, groups, lists }) =>
      `${name}: ${counted(groups.length, "campaign group")}` +
      (lists.length > 0 ? `, ${counted(lists.length, "calling list")}` : ""),
  ),
  ...nobodyLines(plan.nobody),
  ...plan.notes.map((note) => `note: ${note}`),
];

const readLines = (read: OcsRead, { groups, unclear }: Matched): readonly string[] => {
  const known = groups.filter(({ dbid }) => dbid !== undefined).length;
  const hidden = read.hidden.length;
  return [
    `${read.origin} (${read.server ?? "no Server header"}): ${counted(groups.length, "campaign group")}, ` +
      `${known} with DBID`,
    ...(read.ended === undefined ? [] : [`ended early: ${read.ended}; not asked for: ${rangesOf(read.notAsked)}`]),
    ...(hidden > 0
      ? [`OCS knows ${rangesOf(read.hidden)} and does not tell the campaign (410), so they could not be matched`]
      : []),
    ...[...read.unclear, ...unclear].map((each) => `unclear: ${each}`),
    ...(known < groups.length && read.ended === undefined
      ? [`${groups.length - known} without DBID: give further ranges with --dbids, or enter them by hand`]
      : []),
  ];
};

const nobodyLines = (groups: readonly Group[]): readonly string[] =>
  groups.length === 0
    ? []
    : [
        `${counted(groups.length, "campaign group")} ${groups.length === 1 ? "belongs" : "belong"} to no tenant; say ` +
          `whose with --assign "TENANT=PATTERN", for example --assign "Alpha Tenant=Alpha *":`,
        ...groups.map(({ name, dbid, campaignId, groupId }) => {
          const ids = [
            ...(dbid === undefined ? [] : [`DBID ${dbid}`]),
            ...(campaignId === undefined ? [] : [`campaign ${campaignId}`]),
            ...(groupId === undefined ? [] : [`agent group ${groupId}`]),
          ];
          return `  ${name}${ids.length > 0 ? `  (${ids.join(", ")})` : ""}`;
        }),
      ];

/** 1, 2, 3, 7 as 1-3, 7. */
export const rangesOf = (numbers: readonly number[]): string => {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.length === 0 ? "none" : ranges.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(", ");
};

/** For programs. */
export const reportJson = ({ read, matched, plan }: Found): object => ({
  ocs: read
    ? {
        origin: read.origin,
        server: read.server ?? null,
        ended: read.ended ?? null,
        not_asked: read.notAsked,
        hidden: read.hidden,
        unclear: [...read.unclear, ...(matched?.unclear ?? [])],
      }
    : null,
  tenants: plan.tenants.map(({ name, dbid, groups, campaigns, lists }) => ({
    name,
    dbid: dbid ?? null,
    campaigns,
    campaign_groups: groups.map(groupJson),
    lists,
  })),
  nobody: plan.nobody.map(groupJson),
  conflicts: plan.conflicts,
  notes: plan.notes,
});

const groupJson = ({ name, dbid, campaignId, groupId }: Group): object => ({
  dbid: dbid ?? null,
  name,
  campaign_id: campaignId ?? null,
  group_id: groupId ?? null,
});
