import { describe, expect, it } from "vitest";
import { createFlowLinks } from "../../../src/cli/sandbox/flow-links.ts";
import type { Request } from "../../../src/upstream/types.ts";

const OCS = "127.0.0.1:18443";
const BACKUP = "127.0.0.2:18443";
const PORT = "127.0.0.1:40001";

const aRequest = (id?: string): Request => ({
  ...(id !== undefined && { id }),
  tenant: "101",
  method: "GET",
  path: "/campaigngroups",
  body: "",
  urgent: false,
});

describe("the links from OCS's requests to flows", () => {
  it("are by both ends of the connection, and each is taken once", () => {
    const links = createFlowLinks();
    links.onSent(aRequest("A"), { from: PORT, to: OCS });
    links.onSent(aRequest("B"), { from: PORT, to: BACKUP });
    expect(links.flowOf("127.0.0.1:40002", OCS)).toBeUndefined();
    expect([links.flowOf(PORT, OCS), links.flowOf(PORT, OCS), links.flowOf(PORT, BACKUP)]).toEqual([
      "A",
      undefined,
      "B",
    ]);
    expect(links.size()).toBe(0);
  });

  it("forget a request that OCS never read, before another program has the same port", () => {
    const links = createFlowLinks();
    links.onSent(aRequest("A"), { from: PORT, to: OCS });
    links.ended("A");
    expect([links.flowOf(PORT, OCS), links.size()]).toEqual([undefined, 0]);
  });

  it("lead to the later of two requests on one connection, of which OCS read none", () => {
    const links = createFlowLinks();
    links.onSent(aRequest("A"), { from: PORT, to: OCS });
    links.onSent(aRequest("B"), { from: PORT, to: OCS });
    links.ended("A");
    expect(links.flowOf(PORT, OCS)).toBe("B");
  });

  it.each([
    ["an id", aRequest(), { from: PORT, to: OCS }],
    ["a connection", aRequest("A"), undefined],
  ])("ignore a request without %s", (_what, request, ends) => {
    const links = createFlowLinks();
    links.onSent(request, ends);
    links.ended("unknown");
    expect(links.size()).toBe(0);
  });
});
