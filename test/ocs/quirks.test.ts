/** The manual contradicts itself in places: what this language makes of each, Q1 to Q20. */
import { describe, expect, it } from "vitest";
import { ANSWER_HEADERS, NO_CALL_FOR_HANDLE, REASONS, STATUSES } from "../../src/ocs/answer-tables.ts";
import { readBody, writeBody } from "../../src/ocs/body.ts";
import { ACTIONS, CATALOG } from "../../src/ocs/catalog.ts";
import { CASES, EXAMPLES, lengthOf, type Example } from "../../src/ocs/examples.ts";
import { readTarget, splitTarget, writeTarget } from "../../src/ocs/target.ts";
import { ruleBrokenBy, violation } from "./violated.ts";

const startDialing = CATALOG.campaigngroups.actions.StartDialing!;
const addToList = CATALOG.lists.actions.AddRecord!;
const processed = CATALOG.records.actions.RecordProcessed!;
const examples: readonly Example[] = Object.values(EXAMPLES);

const rewrite = (action: typeof startDialing, body: string): string =>
  writeBody(readBody(action, new TextEncoder().encode(body)));
const header = ({ request }: Example, name: string): string | undefined =>
  request.headers.find(([key]) => key === name)?.[1];

describe("for each quirk of the manual, the gateway", () => {
  it("Q1 accepts GSW_CM_AttrOptimizedBy as GSW_CM_AttrOptimizeBy, and both only if they agree", () => {
    const body = (by: string): string => `{"GSW_CM_AttrDialMode":1,${by},"GSW_CM_AttrOptimizeGoal":80}`;
    const canonical = '{"GSW_CM_AttrDialMode":1,"GSW_CM_AttrOptimizeBy":1,"GSW_CM_AttrOptimizeGoal":80}';
    expect(rewrite(startDialing, body('"GSW_CM_AttrOptimizedBy":1'))).toBe(canonical);
    expect(rewrite(startDialing, body('"GSW_CM_AttrOptimizeBy":1'))).toBe(canonical);
    expect(rewrite(startDialing, body('"GSW_CM_AttrOptimizeBy":1,"GSW_CM_AttrOptimizedBy":"1"'))).toBe(canonical);
    expect(
      ruleBrokenBy(() => rewrite(startDialing, body('"GSW_CM_AttrOptimizeBy":1,"GSW_CM_AttrOptimizedBy":2'))),
    ).toBe("attribute");
  });

  it("Q2 accepts GSW_CAMPAIGN as GSW_CAMPAIGN_NAME, and both only if they agree", () => {
    const body = (campaign: string): string => `{${campaign},"GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}`;
    const canonical = body('"GSW_CAMPAIGN_NAME":"Alpha Campaign"');
    expect(rewrite(addToList, body('"GSW_CAMPAIGN":"Alpha Campaign"'))).toBe(canonical);
    expect(rewrite(addToList, body('"GSW_CAMPAIGN":"Alpha Campaign","GSW_CAMPAIGN_NAME":"Alpha Campaign"'))).toBe(
      canonical,
    );
    expect(
      ruleBrokenBy(() =>
        rewrite(addToList, body('"GSW_CAMPAIGN":"Alpha Campaign","GSW_CAMPAIGN_NAME":"Beta Campaign"')),
      ),
    ).toBe("duplicate-scope-key");
  });

  it("Q3 accepts req in any case and writes ForceUnload", () => {
    for (const req of ["ForceUnload", "Forceunload", "forceunload", "FORCEUNLOAD"]) {
      expect(writeTarget(readTarget("POST", `/campaigngroups/106?req=${req}`))).toBe(
        "/campaigngroups/106?req=ForceUnload",
      );
    }
  });

  it("Q4 computes every length, and detects a printed one that is too short", () => {
    for (const example of examples.filter(({ request }) => request.method === "POST"))
      expect(header(example, "Content-length")).toBe(`${lengthOf(example.request.body)}`);
    const printed: readonly [Example, number][] = [
      [EXAMPLES.recordProcessed, 54],
      [EXAMPLES.recordGone, 54],
      [EXAMPLES.doNotCall, 35],
      [EXAMPLES.addGeneral, 84],
      [EXAMPLES.addRescheduled, 208],
      [EXAMPLES.setDialingMode, 83],
    ];
    const tooShort = printed.filter(([{ request }, length]) => length < lengthOf(request.body));
    expect(tooShort.map(([{ title }]) => title)).toContain(EXAMPLES.recordProcessed.title);
    for (const [{ request }, length] of tooShort) {
      const { action } = readTarget(request.method, request.target);
      expect(ruleBrokenBy(() => readBody(action, new TextEncoder().encode(request.body).subarray(0, length)))).toBe(
        "truncated",
      );
    }
  });

  it("Q5 accepts record types 2 to 7, also 6 for Campaign Rescheduled", () => {
    expect(JSON.parse(rewrite(addToList, EXAMPLES.addRescheduled.request.body))).toMatchObject({ GSW_RECORD_TYPE: 6 });
    for (const type of [2, 3, 4, 5, 6, 7])
      expect(
        JSON.parse(rewrite(addToList, EXAMPLES.addRescheduled.request.body.replace('_TYPE":6', `_TYPE":${type}`))),
      ).toMatchObject({ GSW_RECORD_TYPE: type });
  });

  it("Q6 accepts a duplicate GSW_PHONE_TYPE with the same value, and refuses different values", () => {
    const { body } = EXAMPLES.addRescheduled.request;
    expect(body.match(/GSW_PHONE_TYPE/g)).toHaveLength(2);
    expect(rewrite(addToList, body).match(/"GSW_PHONE_TYPE":4/g)).toHaveLength(1);
    expect(ruleBrokenBy(() => rewrite(addToList, body.replace('"GSW_PHONE_TYPE":4', '"GSW_PHONE_TYPE":1')))).toBe(
      "attribute",
    );
  });

  it("Q7 accepts a Warning that is a bare integer", () => {
    expect(examples.map(({ answer }) => answer.warning).filter((warning) => warning !== undefined)).toEqual([112, 5]);
    expect(NO_CALL_FOR_HANDLE).toBe(112);
  });

  it("Q8 takes the error from the Warning, not from the text that says 0", () => {
    expect(EXAMPLES.recordGone.answer).toEqual({ status: 410, warning: 112, body: "page" });
  });

  it("Q9 passes on the Etag without reading it", () => {
    expect(ANSWER_HEADERS).toContain("Etag");
    expect(EXAMPLES.oneGroup.answer).not.toHaveProperty("etag");
  });

  it("Q10 writes User-Agent with its hyphen", () => {
    for (const example of examples) expect(header(example, "User-Agent")).toMatch(/./);
    expect(examples.flatMap(({ request }) => request.headers.map(([name]) => name))).not.toContain("User Agent");
  });

  it("Q11 accepts a Host with and without port for the same server", () => {
    const hosts = new Set(
      examples
        .filter(({ request }) => splitTarget(request.target)?.authority === "ocs.genesyslab.com:8080")
        .map((example) => header(example, "Host")),
    );
    expect(hosts).toEqual(new Set(["ocs.genesyslab.com", "ocs.genesyslab.com:8080"]));
  });

  it("Q12 reads an empty body as no attributes, and requires a group's attributes for three actions only", () => {
    expect(header(EXAMPLES.load, "Content-type")).toBeUndefined();
    expect(header(EXAMPLES.load, "Content-length")).toBe("0");
    const needing = Object.values(CATALOG.campaigngroups.actions)
      .filter((action) => ruleBrokenBy(() => readBody(action, new Uint8Array(0))) !== "none")
      .map(({ name }) => name);
    expect(needing).toEqual(["StartDialing", "SetDialingMode", "Launch"]);
    expect(readBody(CATALOG.campaigngroups.actions.Load!, new Uint8Array(0))).toEqual(
      readBody(CATALOG.campaigngroups.actions.Load!, new TextEncoder().encode("{}")),
    );
  });

  it("Q13 expects no certain Server, and passes whichever there is", () => {
    expect(ANSWER_HEADERS).toContain("Server");
    for (const { answer } of examples)
      expect(Object.keys(answer).filter((name) => !["status", "warning", "body"].includes(name))).toEqual([]);
  });

  it("Q14 supports both GETs, regardless of the release", () => {
    expect(CASES.filter(({ operation }) => operation.action.method === "GET").map(({ answer }) => answer.body)).toEqual(
      ["group", "groups"],
    );
  });

  it("Q15 accepts names only in their own case, and suggests the right name", () => {
    const found = violation(() =>
      rewrite(startDialing, '{"GSW_CM_AttrDialMode":1,"GSW_CM_AttrOptimizeBy":1,"GSW_CM_AttroptimizeGoal":80}'),
    );
    expect(found).toMatchObject({ rule: "attribute", pointer: "/GSW_CM_AttroptimizeGoal" });
    expect(found?.message).toContain("did you mean GSW_CM_AttrOptimizeGoal?");
    expect(violation(() => rewrite(startDialing, '{"GSW CM AttrDialMode":2}'))?.rule).toBe("attribute");
  });

  it("Q16 distinguishes an unknown campaign group from one that is not active", () => {
    expect(STATUSES.campaigngroups).toEqual(expect.arrayContaining([404, 410]));
    expect([REASONS[404], REASONS[410]]).toEqual(["Not Found", "Gone"]);
  });

  it("Q17 expects 410 for records, phones and customer ids, but not for lists", () => {
    expect(
      Object.entries(STATUSES)
        .filter(([, statuses]) => !statuses.includes(410))
        .map(([name]) => name),
    ).toEqual(["lists"]);
  });

  it("Q18 expects 404 for an unknown list or campaign, but not for records", () => {
    expect(
      Object.entries(STATUSES)
        .filter(([, statuses]) => statuses.includes(404))
        .map(([name]) => name),
    ).toEqual(["lists", "campaigngroups"]);
  });

  it("Q19 expects a body only in a positive answer to GET", () => {
    expect(ACTIONS.filter(({ answersBody }) => answersBody).map(({ method }) => method)).toEqual(["GET"]);
    for (const { request, answer } of examples)
      expect(answer.status === 200 && answer.body !== "none").toBe(request.method === "GET");
  });

  it("Q20 accepts a GSW_RECORD_HANDLE in the body, which must agree with the URI", () => {
    expect(readBody(processed, new TextEncoder().encode('{"GSW_RECORD_HANDLE":"15"}'))).toEqual(
      new Map([["GSW_RECORD_HANDLE", 15]]),
    );
    expect(CATALOG.records.identifiedBy).toBe("GSW_RECORD_HANDLE");
  });
});
