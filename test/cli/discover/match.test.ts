import { describe, expect, it } from "vitest";
import { matchGroups } from "../../../src/cli/discover/match.ts";

const group = (name: string, campaignId: number, groupId: number) => ({ name, campaignId, groupId });
const answers = (...all: readonly [number, number, number][]) =>
  new Map(all.map(([dbid, campaignId, groupId]) => [dbid, { campaignId, groupId }]));

describe("the DBID of a group", () => {
  it("is that of the single answer with its campaign and agent group", () => {
    const found = matchGroups({
      groups: [group("A@X", 1, 2), group("A@Y", 1, 3), group("B@X", 4, 2)],
      answers: answers([106, 1, 3], [107, 4, 2]),
    });
    expect(found.groups.map(({ name, dbid }) => [name, dbid])).toEqual([
      ["A@X", undefined],
      ["A@Y", 106],
      ["B@X", 107],
    ]);
    expect(found.unclear).toEqual([]);
  });

  it.each([
    [
      "two answers fit",
      [group("A@X", 1, 2)],
      answers([106, 1, 2], [107, 1, 2]),
      "A@X may be 106 or 107: OCS answers alike for these DBIDs",
    ],
    [
      "two groups fit",
      [group("A@X", 1, 2), group("B@X", 1, 2)],
      answers([106, 1, 2]),
      "A@X and B@X have the same campaign and agent group, so their DBIDs (106) cannot be told apart",
    ],
    [
      "no listed group fits",
      [group("A@X", 1, 2)],
      answers([106, 9, 9]),
      "OCS answers for the DBID 106 with campaign 9 and agent group 9, which no group taken from its list has",
    ],
  ])("is not guessed when %s", (_, groups, all, why) => {
    const found = matchGroups({ groups, answers: all });
    expect(found.groups.map(({ dbid }) => dbid)).toEqual(groups.map(() => undefined));
    expect(found.unclear).toEqual([why]);
  });
});
