import { afterAll, describe, expect, it } from "vitest";
import { bytesOf } from "../../../src/common/message.ts";
import { subjectOf } from "../../../src/sandbox/faults/subject.ts";
import { aWorld } from "../support.ts";

const world = aWorld();
afterAll(() => {
  world.close();
});

const ADD = { GSW_CAMPAIGN_NAME: "Beta Campaign", GSW_PHONE: "4155550177", GSW_TZ_NAME: "PST" };

describe("the action and tenant of a request", () => {
  it.each([
    ["an open handle", "POST", "/records/15?req=RecordProcessed", "", "RecordProcessed", 101],
    ["a stale handle", "POST", "/records/16?req=RecordProcessed", "", "RecordProcessed", 101],
    [
      "another tenant's handle, not from the body",
      "POST",
      "/records/41?req=DoNotCall",
      '{"GSW_TENANT_DBID":101}',
      "DoNotCall",
      102,
    ],
    ["an unknown handle", "POST", "/records/99?req=DoNotCall", "", "DoNotCall", undefined],
    ["a phone with a DBID", "POST", "/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID":"102"}', "DoNotCall", 102],
    [
      "a phone with a name",
      "POST",
      "/phones/4155550100?req=DoNotCall",
      '{"GSW_TENANT_NAME":"Alpha Tenant"}',
      "DoNotCall",
      101,
    ],
    [
      "a phone with an unknown tenant",
      "POST",
      "/phones/4155550100?req=DoNotCall",
      '{"GSW_TENANT_DBID":7}',
      "DoNotCall",
      undefined,
    ],
    ["a phone with malformed JSON", "POST", "/phones/4155550100?req=DoNotCall", "{", "DoNotCall", undefined],
    [
      "a customer",
      "POST",
      "/customer_ids/A-0001?req=RequestRecordCancel",
      '{"GSW_TENANT_DBID":101}',
      "RequestRecordCancel",
      101,
    ],
    ["a list", "POST", "/lists/Beta%20List?req=AddRecord", JSON.stringify(ADD), "AddRecord", 102],
    [
      "a list with a tenant",
      "POST",
      "/lists/Beta%20List?req=AddRecord",
      JSON.stringify({ ...ADD, GSW_TENANT_NAME: "Alpha Tenant" }),
      "AddRecord",
      101,
    ],
    ["an unknown list", "POST", "/lists/Gamma%20List?req=AddRecord", JSON.stringify(ADD), "AddRecord", undefined],
    ["a group", "POST", "/campaigngroups/208?req=Load", "", "Load", 102],
    ["a group's status", "GET", "/campaigngroups/106", "", "ReadStatus", 101],
    ["all groups", "GET", "/campaigngroups", "", "ReadStatus", undefined],
    ["a target that OCS does not have", "PUT", "/elsewhere", "", undefined, undefined],
  ])("are read from %s", (_, method, target, body, action, tenant) => {
    const subject = subjectOf(world, { method, target, body: bytesOf(body) });
    expect([subject.action?.name, subject.tenant?.dbid]).toEqual([action, tenant]);
  });
});
