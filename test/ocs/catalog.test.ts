import { describe, expect, it } from "vitest";
import { ATTRIBUTES, SPELLINGS, carriesScope, isAttributeName } from "../../src/ocs/attributes.ts";
import {
  ACTIONS,
  ACTION_NAMES,
  CATALOG,
  findAction,
  findResource,
  type ActionName,
  type ResourceName,
} from "../../src/ocs/catalog.ts";
import { ALL_ACTIONS, MANUAL } from "./manual.ts";
import { CASES } from "../../src/ocs/examples.ts";

/** Which optional attributes each row has besides those of its resource. */
const WHERE = ["GSW_CALLING_LIST", "GSW_CAMPAIGN_NAME", "GSW_TENANT_DBID", "GSW_TENANT_NAME"];
const COLUMNS = [
  "GSW_AGENT_ID",
  "GSW_ATTEMPTS",
  "GSW_CALL_RESULT",
  "GSW_CALL_TIME",
  "GSW_CHAIN_ID",
  "GSW_CHAIN_N",
  "GSW_CUSTOMER_ID",
  "GSW_DATE_TIME",
  "GSW_FROM",
  "GSW_PHONE_TYPE",
  "GSW_RECORD_STATUS",
  "GSW_RECORD_TYPE",
  "GSW_UNTIL",
];
const DIALING = ["GSW_AUTO_COMPLETION", "GSW_CM_AttrOptimizeBy", "GSW_CM_AttrOptimizeGoal", "GSW_CM_AttrProperties"];
const COMMON: Record<ResourceName, string[]> = {
  records: [...WHERE, "GSW_APPLICATION_ID", "GSW_RECORD_HANDLE"],
  phones: [...WHERE, "GSW_PHONE", "GSW_CHAIN_ATTR"],
  customer_ids: [...WHERE, "GSW_CUSTOMER_ID", "GSW_CHAIN_ATTR"],
  lists: ["GSW_TENANT_DBID", "GSW_TENANT_NAME", "GSW_CALLING_LIST", ...COLUMNS],
  campaigngroups: ["GSW_TENANT_DBID", "GSW_TENANT_NAME"],
};
const OPTIONAL: Record<string, string[]> = {
  "records UpdateCallCompletionStats": [
    "GSW_CALL_RESULT",
    "GSW_FROM",
    "GSW_PHONE",
    "GSW_PHONE_TYPE",
    "GSW_TZ_NAME",
    "GSW_UNTIL",
  ],
  "records RecordProcessed": ["GSW_CALL_RESULT", "GSW_TREATMENT"],
  "records RequestRecordCancel": ["GSW_CHAIN_ATTR", "GSW_PHONE"],
  "records DoNotCall": ["GSW_CHAIN_ATTR", "GSW_CUSTOMER_ID", "GSW_PHONE"],
  "records RecordReschedule": ["GSW_AGENT_ID", "GSW_CALLBACK_TYPE", "GSW_CALL_RESULT", "GSW_TZ_NAME"],
  "records AddRecord": COLUMNS,
  "campaigngroups Load": ["GSW_AUTO_COMPLETION", "GSW_CM_AttrProperties"],
  "campaigngroups StartDialing": DIALING,
  "campaigngroups SetDialingMode": DIALING,
  "campaigngroups Launch": DIALING,
};

describe("the action table", () => {
  it("has the manual's actions and two GETs", () => {
    expect(CASES.filter(({ operation }) => operation.action.method === "GET").map(({ target }) => target)).toEqual([
      "/campaigngroups/106",
      "/campaigngroups",
    ]);
    expect(ACTIONS.map(({ resource, name }) => [resource, name])).toEqual(
      MANUAL.map(({ resource, action }) => [resource, action]),
    );
    expect([...ACTION_NAMES].sort()).toEqual([...ALL_ACTIONS].sort());
  });

  it.each(MANUAL)(
    "has for $resource $action: ends the handle $ends, urgent $urgent, $repeat, requires $needs, and $together",
    (row) => {
      const resource = row.resource as ResourceName;
      const name = row.action as ActionName;
      const action = CATALOG[resource].actions[name]!;
      expect(action).toMatchObject({
        resource,
        name,
        finalizes: row.ends,
        urgent: row.urgent,
        repeat: row.repeat,
        required: row.needs,
        requiredWhenPredictive: row.together,
        method: name === "ReadStatus" ? "GET" : "POST",
        answersBody: name === "ReadStatus",
      });
      expect(action.namesTenant).toBe(["phones", "customer_ids"].includes(resource));
      expect(action.userFields).toBe(resource !== "campaigngroups");
      expect([...action.optional].sort()).toEqual(
        [...COMMON[resource], ...(OPTIONAL[`${resource} ${name}`] ?? [])].sort(),
      );
      expect(new Set([...action.required, ...action.optional]).size).toBe(
        action.required.length + action.optional.length,
      );
    },
  );

  it("names the attribute that repeats the URI, and allows reading all campaign groups", () => {
    expect(
      Object.values(CATALOG).map(({ name, identifier, identifiedBy, methods, collection }) => [
        name,
        identifier,
        identifiedBy,
        methods,
        collection,
      ]),
    ).toEqual([
      ["records", "record handle", "GSW_RECORD_HANDLE", ["POST"], false],
      ["phones", "phone number", "GSW_PHONE", ["POST"], false],
      ["customer_ids", "customer id", "GSW_CUSTOMER_ID", ["POST"], false],
      ["lists", "calling list name", "GSW_CALLING_LIST", ["POST"], false],
      ["campaigngroups", "campaign group DBID", undefined, ["POST", "GET"], true],
    ]);
  });

  it.each(["__proto__", "constructor", "toString", "record", "Records", "", "hasOwnProperty"])(
    "has no resource and no action called %j",
    (name) => {
      expect(findResource(name)).toBeUndefined();
      for (const resource of Object.values(CATALOG)) expect(findAction(resource, name)).toBeUndefined();
    },
  );

  it("finds only actions of the resource that have a req", () => {
    expect(findAction(CATALOG.lists, "AddRecord")).toBe(CATALOG.lists.actions.AddRecord);
    expect(findAction(CATALOG.phones, "AddRecord")).toBeUndefined();
    expect(findAction(CATALOG.campaigngroups, "ReadStatus")).toBeUndefined();
  });
});

describe("attribute names", () => {
  it.each([
    "GSW_TENANT_DBID",
    "GSW_TENANT_NAME",
    "GSW_RECORD_HANDLE",
    "GSW_RECORD_URI",
    "GSW_CALLING_LIST",
    "GSW_APPLICATION_ID",
    "GSW_CM_AttrGroupID",
    "GSW_CM_AttrCampaignID",
    "GSW_CM_AttrRefID",
    "GSW_CM_AttrReferenceID",
    "GSW_CM_MessageType",
    "GSW_PHONE",
    "GSW_CUSTOMER_ID",
    "GSW_CAMPAIGN",
    "GSW_CAMPAIGN_NAME",
  ])("decide scope in any case: %s", (name) => {
    expect([name, name.toLowerCase(), name.toUpperCase()].map(carriesScope)).toEqual([true, true, true]);
  });

  it.each(["GSW_CALL_RESULT", "GSW_CHAIN_ATTR", "CUSTOMER_CODE", "GSW_PHONE_TYPE", ""])(
    "do not decide scope: %j",
    (name) => {
      expect(carriesScope(name)).toBe(false);
    },
  );

  it("are the canonical ones only; other spellings map to one of them", () => {
    expect(["toString", "__proto__", "gsw_phone", ...SPELLINGS.keys()].filter(isAttributeName)).toEqual([]);
    expect([...SPELLINGS.values()].every(isAttributeName)).toBe(true);
  });

  it("are each accepted by some action", () => {
    const taken = new Set(ACTIONS.flatMap(({ required, optional }) => [...required, ...optional]));
    expect(Object.keys(ATTRIBUTES).filter((name) => !taken.has(name as keyof typeof ATTRIBUTES))).toEqual([]);
  });
});
