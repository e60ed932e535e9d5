/** Finds the DBID of each listed group: the single answer with the same campaign and agent group. */
import type { Ids } from "./ocs-groups.ts";
import type { OcsRead } from "./read-ocs.ts";

/** `undefined`: not known. */
export type Group = {
  readonly name: string;
  readonly dbid: number | undefined;
  readonly campaignId: number | undefined;
  readonly groupId: number | undefined;
};

/** `unclear`: what cannot be matched, one sentence each. */
export type Matched = { readonly groups: readonly Group[]; readonly unclear: readonly string[] };

const pairOf = ({ campaignId, groupId }: Ids): string => `${campaignId} ${groupId}`;

export const matchGroups = ({ groups, answers }: Pick<OcsRead, "groups" | "answers">): Matched => {
  const unclear: string[] = [];
  const dbids = Map.groupBy([...answers], ([, ids]) => pairOf(ids));
  const named = Map.groupBy(groups, pairOf);
  const found = groups.map((group): Group => {
    const same = named.get(pairOf(group))!;
    const its = (dbids.get(pairOf(group)) ?? []).map(([dbid]) => dbid);
    if (same.length > 1 && its.length > 0 && same[0] === group)
      unclear.push(
        `${same.map(({ name }) => name).join(" and ")} have the same campaign and agent group, so their DBIDs ` +
          `(${its.join(", ")}) cannot be told apart`,
      );
    if (same.length === 1 && its.length > 1)
      unclear.push(`${group.name} may be ${its.join(" or ")}: OCS answers alike for these DBIDs`);
    return { ...group, dbid: same.length === 1 && its.length === 1 ? its[0] : undefined };
  });
  for (const [pair, same] of dbids) {
    if (named.has(pair)) continue;
    const [, { campaignId, groupId }] = same[0]!;
    unclear.push(
      `OCS answers for the DBID ${same.map(([dbid]) => dbid).join(", ")} with campaign ${campaignId} and agent group ` +
        `${groupId}, which no group taken from its list has`,
    );
  }
  return { groups: found, unclear };
};
