import { describe, expect, it } from "vitest";
import { ANSWER_HEADERS, MESSAGE_TYPES, NO_CALL_FOR_HANDLE, REASONS, STATUSES } from "../../src/ocs/answer-tables.ts";
import { CATALOG } from "../../src/ocs/catalog.ts";

describe("the table of OCS's answers", () => {
  it.each([
    ["records", [200, 400, 410, 500]],
    ["phones", [200, 400, 410, 500]],
    ["customer_ids", [200, 400, 410, 500]],
    ["lists", [200, 400, 404, 409, 500]],
    ["campaigngroups", [200, 400, 404, 409, 410, 500]],
  ] as const)("for %s: %j", (resource, statuses) => {
    expect(STATUSES[resource]).toEqual(statuses);
  });

  it("has a row for each resource, and a reason for each status", () => {
    expect(Object.keys(STATUSES)).toEqual(Object.keys(CATALOG));
    for (const status of Object.values(STATUSES).flat()) expect(REASONS[status]).toMatch(/^[A-Z][A-Za-z ]+$/);
  });

  it("has the manual's numbers", () => {
    expect({ NO_CALL_FOR_HANDLE, ...MESSAGE_TYPES }).toEqual({ NO_CALL_FOR_HANDLE: 112, oneGroup: 24, allGroups: 46 });
  });

  it("lists the headers with a meaning for clients, without framing headers", () => {
    expect(ANSWER_HEADERS).toEqual(["Server", "Warning", "Cache-control", "Etag", "Content-type"]);
  });
});
