/** The spans of requests that ended at each stage. */
import { describe, expect, it } from "vitest";
import { requestSpan, type SeenRequest } from "../../src/telemetry/spans.ts";

const arrival = { id: "01A", at: 1000, method: "POST", listener: "clients" };
const tenant = { name: "Alpha", dbid: 101, upstream: "ocs-main" };
const operation = { identifier: "4155550100", action: { name: "DoNotCall", resource: "phones" } };
const sent: SeenRequest = {
  arrival,
  caller: { client: "crm" },
  tenant,
  operation,
  decided: 2,
  intended: 3,
  recorded: 4,
  waits: { queue: 5, ocs: 6 },
  answer: { endpoint: "https://ocs1.example.internal", status: 200 },
};

describe("the span of a request", () => {
  it("has parts that follow each other", () => {
    const { parts } = requestSpan(sent, { status: 200 });
    expect(parts.map(({ name, from, to }) => [name, from, to])).toEqual([
      ["check", 1000, 1002],
      ["write intent", 1002, 1005],
      ["wait for lane", 1005, 1010],
      ["ocs", 1010, 1016],
      ["write outcome", 1016, 1020],
    ]);
    expect(parts[3]!.attributes).toEqual({
      "ocsgw.upstream": "ocs-main",
      "http.response.status_code": 200,
      "server.address": "ocs1.example.internal",
      "server.port": 443,
    });
  });

  it.each<[string, Partial<SeenRequest>, readonly string[]]>([
    ["refused before its checks ended", { decided: undefined, intended: undefined, waits: undefined }, []],
    ["refused because the journal fails", { intended: undefined, waits: undefined, recorded: undefined }, ["check"]],
    [
      "not sent",
      { waits: { queue: 5, ocs: 0 }, answer: undefined },
      ["check", "write intent", "wait for lane", "write outcome"],
    ],
  ])("has no part that did not happen: %s", (_name, over, expected) => {
    const { parts } = requestSpan({ ...sent, ...over }, { status: 503, code: "OCSGW-3002" });
    expect(parts.map(({ name }) => name)).toEqual(expected);
  });

  it.each<[string, number, boolean]>([
    ["200", 200, false],
    ["a refusal", 403, false],
    ["503", 503, true],
  ])("is an error only from 500 on: %s", (_name, status, isError) => {
    expect(requestSpan(sent, { status }).isError).toBe(isError);
  });

  it("shows neither an unknown method nor an identifier nor what the client wrote", () => {
    const odd = requestSpan({ arrival: { ...arrival, method: "4155550100" } }, { status: 400, code: "OCSGW-1002" });
    expect(odd.name).toBe("_OTHER");
    expect(JSON.stringify([odd, requestSpan(sent, { status: 200 })])).not.toContain("4155550100");
  });
});
