import { describe, expect, it } from "vitest";
import { rows } from "../../src/cli/conformance/rows.ts";
import { STATUSES } from "../../src/ocs/answer-tables.ts";
import { readBody } from "../../src/ocs/body.ts";
import { ACTIONS } from "../../src/ocs/catalog.ts";
import { MANUAL } from "../ocs/manual.ts";
import { CASES, caseOf, EXAMPLES, lengthOf, MESSAGE_TYPE_OF, type Example } from "../../src/ocs/examples.ts";
import { readTarget, splitTarget } from "../../src/ocs/target.ts";

const examples: readonly Example[] = Object.values(EXAMPLES);
const utf8 = new TextEncoder();
const processed = readTarget("POST", EXAMPLES.recordProcessed.request.target).action;

describe("the manual's examples", () => {
  it("are ten, in the manual's order", () => {
    expect(
      examples.map(
        ({ request, answer }) =>
          `${request.method} ${new URL(request.target).pathname} → ` +
          `${answer.status}${answer.warning === undefined ? "" : `/${answer.warning}`}`,
      ),
    ).toEqual([
      "POST /records/15 → 200",
      "POST /records/15 → 410/112",
      "POST /phones/4155555555 → 200",
      "POST /lists/Alpha%20List → 200",
      "POST /lists/Alpha%20List → 200",
      "POST /campaigngroups/106 → 200",
      "POST /campaigngroups/106 → 200",
      "POST /campaigngroups/106 → 409/5",
      "GET /campaigngroups/115 → 200",
      "GET /campaigngroups → 200",
    ]);
  });

  it.each(examples.map((example) => [example.title, example] as const))(
    "%s: consistent in itself",
    (_, { request, answer }) => {
      const { action } = readTarget(request.method, request.target);
      const headers = new Map(request.headers);
      expect(splitTarget(request.target)?.authority).toBe(`${headers.get("Host")!.split(":")[0]}:8080`);
      expect(headers.get("Content-length")).toBe(
        request.method === "POST" ? `${utf8.encode(request.body).length}` : undefined,
      );
      expect(headers.get("Content-type")).toBe(request.body === "" ? undefined : "application/json");
      expect(() => readBody(action, utf8.encode(request.body))).not.toThrow();
      expect(STATUSES[action.resource]).toContain(answer.status);
      expect(answer.body === "none" || answer.body === "page" || request.method === "GET").toBe(true);
      expect(answer.warning === undefined).toBe(answer.status === 200);
    },
  );

  it("tells the two GETs by their message types", () => {
    expect(MESSAGE_TYPE_OF).toEqual({ group: 24, groups: 46 });
  });
});

describe("the cases of the action table", () => {
  it("are one for each action of the manual, and one more for the second GET", () => {
    expect(CASES).toHaveLength(MANUAL.length + 1);
    expect(new Set(CASES.map(({ operation }) => operation.action))).toEqual(new Set(ACTIONS));
  });

  it.each(CASES.map((each) => [each.target, each] as const))("%s: valid", (target, { operation, body }) => {
    expect(readTarget(operation.action.method, target)).toEqual(operation);
    const attributes = readBody(operation.action, utf8.encode(body));
    for (const name of operation.action.required) expect(attributes.has(name)).toBe(true);
    expect(attributes.has("GSW_TENANT_NAME")).toBe(operation.action.namesTenant);
  });

  it("can be about something else", () => {
    expect(caseOf(processed, "23").target).toBe("/records/23?req=RecordProcessed");
  });
});

describe("the rows of a run", () => {
  it("replay every example with the manual's body and every row of the action table", () => {
    const all = rows();
    for (const { title, request } of examples)
      expect(all.find((row) => row.title === `manual: ${title}`)?.body).toBe(request.body);
    for (const { operation } of CASES)
      expect(all.map(({ title }) => title)).toContain(
        `${operation.action.resource}: ` +
          `${operation.action.name}${operation.identifier === undefined ? ", all groups" : ""}`,
      );
  });

  it("send true lengths, and a content type with a body only", () => {
    for (const { method, headers, body } of rows()) {
      const lines = new Map(headers);
      expect(lines.get("Content-length")).toBe(method === "GET" ? undefined : `${lengthOf(body)}`);
      expect(lines.has("Content-type")).toBe(body !== "");
      expect(lines.has("Host")).toBe(false);
    }
  });

  it("finalize each handle once", () => {
    const finalized = rows()
      .filter(
        ({ method, target, fresh }) => fresh && !target.includes("Load") && readTarget(method, target).action.finalizes,
      )
      .map(({ handle }) => handle);
    expect(new Set(finalized).size).toBe(finalized.length);
    expect(finalized).toHaveLength(6);
  });

  it("expect a status that the manual gives to the resource", () => {
    for (const { target, answers } of rows()) {
      const resource = target.split(/[/?]/)[1] as keyof typeof STATUSES;
      for (const { status } of answers) expect(STATUSES[resource]).toContain(status);
    }
  });
});
