import { describe, expect, it } from "vitest";
import { idsInAnswer, isTooOld, listIn } from "../../../src/cli/discover/ocs-groups.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const list = (groups: string): string => `{"GSW_CM_MessageType":46,"CampaignGroups":{${groups}}}`;
const IDS = '{"GSW_CM_AttrCampaignID":139,"GSW_CM_AttrGroupID":234}';

describe("OCS's list of campaign groups", () => {
  it("is read as the manual's example has it, with an id stated twice alike", () => {
    const found = listIn(
      bytes(`{
        "GSW_CM_MessageType": 46,
        "CampaignGroups": {
          "Campaign_Group_1@Agent_Group_1": {
            "GSW_CM_AttrCampaignID": 146, "GSW_CM_AttrGroupID": 234, "GSW_CM_AttrGroupCampStatus": 0
          },
          "Campaign_Group_3@Agent_Group_3": {
            "GSW_CM_AttrCampaignID": 138, "GSW_CM_AttrGroupID": 162, "GSW_CM_AttrGroupID": 162,
            "GSW_CM_AttrProperties": { "camp_group_data": {} }
          }
        },
        "GSW_CM_AttrOriginAppID": 398
      }`),
    );
    expect(found).toEqual({
      groups: [
        { name: "Campaign_Group_1@Agent_Group_1", campaignId: 146, groupId: 234 },
        { name: "Campaign_Group_3@Agent_Group_3", campaignId: 138, groupId: 162 },
      ],
      unclear: [],
    });
  });

  it.each([
    ["a name that is listed twice, which two tenants may have", `"A@B":${IDS},"A@B":${IDS}`, "A@B 2 times"],
    ["a group without ids", '"A@B":{}', "without the DBIDs"],
    ["ids that are none", '"A@B":{"GSW_CM_AttrCampaignID":"139","GSW_CM_AttrGroupID":234}', "without the DBIDs"],
    [
      "ids that differ",
      `"A@B":{"GSW_CM_AttrCampaignID":1,"GSW_CM_AttrCampaignID":2,"GSW_CM_AttrGroupID":3}`,
      "without",
    ],
    ["a name that no config can have", `" A@B":${IDS}`, "cannot be in a config"],
  ])("does not guess at %s, and takes the other groups", (_, group, why) => {
    const found = listIn(bytes(list(`${group},"C@D":${IDS}`)))!;
    expect(found.groups.map(({ name }) => name)).toEqual(["C@D"]);
    expect(found.unclear).toEqual([expect.stringContaining(why)]);
  });

  it("takes names such as __proto__ as names", () => {
    expect(listIn(bytes(list(`"__proto__":${IDS}`)))!.groups.map(({ name }) => name)).toEqual(["__proto__"]);
  });

  it.each([
    ["one group", `{"GSW_CM_MessageType":24,"CampaignGroups":{}}`],
    ["no groups", '{"GSW_CM_MessageType":46}'],
    ["a list in place of a map", '{"GSW_CM_MessageType":46,"CampaignGroups":[]}'],
    ["HTML", "<html></html>"],
    ["half an answer", '{"GSW_CM_MessageType":46,"CampaignGroups":{"A@B":{'],
    ["nothing", ""],
  ])("is not %s", (_, text) => {
    expect(listIn(bytes(text))).toBeUndefined();
  });

  it("is not what is no UTF-8", () => {
    expect(listIn(Buffer.from(list(`"Ü@B":${IDS}`), "latin1"))).toBeUndefined();
  });
});

describe("OCS's answer about one group", () => {
  it.each([
    ["an answer", '{"GSW_CM_MessageType":24,"GSW_CM_AttrCampaignID":139,"GSW_CM_AttrGroupID":234}', 139],
    ["the list", `{"GSW_CM_MessageType":46,"GSW_CM_AttrCampaignID":139,"GSW_CM_AttrGroupID":234}`, undefined],
    ["an answer without ids", '{"GSW_CM_MessageType":24}', undefined],
    ["a fraction", '{"GSW_CM_MessageType":24,"GSW_CM_AttrCampaignID":1.5,"GSW_CM_AttrGroupID":2}', undefined],
  ])("has ids in %s", (_, text, campaign) => {
    expect(idsInAnswer(bytes(text))?.campaignId).toBe(campaign);
  });
});

describe("the version of an OCS", () => {
  it.each([
    ["OCS/8.1.524.04", false],
    ["OCS/8.1.524.03", false],
    ["OCS/8.1.524.02", true],
    ["OCS/8.1.000.12", true],
    ["OCS/8.1.503", true],
    ["OCS/8.1.600", false],
    ["OCS/8.5.100.01", false],
    ["OCS/9.0", false],
    ["nginx/1.27", undefined],
    ["OCS", undefined],
    [undefined, undefined],
  ])("%s is too old for GET: %s", (server, wanted) => {
    expect(isTooOld(server)).toBe(wanted);
  });
});
