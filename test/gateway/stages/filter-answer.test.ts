import { describe, expect, it } from "vitest";
import { bytesOf, headerOf, type Reply } from "../../../src/common/message.ts";
import { ACTION_NAMES } from "../../../src/ocs/catalog.ts";
import { aLine, anAnswer, aTenant, beta, text } from "../../kit/line.ts";

const group = (campaign: number, agents: number, status: number): Record<string, unknown> => ({
  GSW_CM_AttrCampaignID: campaign,
  GSW_CM_AttrGroupID: agents,
  GSW_CM_AttrGroupCampStatus: status,
  SECRET: "x",
});

const world = (betaStatus = 4): Record<string, unknown> => ({
  "Alpha Campaign@Alpha Agents": group(139, 234, 5),
  "Alpha Winback@Alpha Agents": group(140, 234, 0),
  "Beta Campaign@Beta Agents": group(146, 244, betaStatus),
  "Orphan@Nobody": group(1, 2, 0),
});

const read = (
  groups: Record<string, unknown>,
  as: string,
  headers: readonly (readonly [string, string])[] = [],
  tenants = [aTenant(), beta()],
): Promise<Reply> =>
  aLine({
    tenants,
    send: () =>
      Promise.resolve(
        anAnswer({
          headers: [
            ["server", "OCS/8.1.524.04"],
            ["etag", "1569882947"],
            ["cache-control", "private"],
            ["content-type", "application/json"],
            ["x-frame-options", "DENY"],
          ],
          body: bytesOf(
            JSON.stringify(
              { GSW_CM_MessageType: 46, CampaignGroups: groups, GSW_CM_AttrOriginAppID: 398 },
              undefined,
              2,
            ),
          ),
        }),
      ),
  }).ask({ method: "GET", target: "/campaigngroups", as, headers });

const names = (reply: Reply): string[] =>
  Object.keys((JSON.parse(text(reply)) as { CampaignGroups: object }).CampaignGroups);

describe("GET /campaigngroups", () => {
  it("shows each tenant its own groups, with the documented fields only", async () => {
    expect(names(await read(world(), "alpha"))).toEqual(["Alpha Campaign@Alpha Agents", "Alpha Winback@Alpha Agents"]);
    const reply = await read(world(), "beta");
    expect(names(reply)).toEqual(["Beta Campaign@Beta Agents"]);
    expect(text(reply)).not.toMatch(/Alpha|Orphan|SECRET/);
  });

  it("does not change body, length and Etag for one tenant when another tenant's groups change", async () => {
    const before = await read(world(4), "alpha");
    const after = await read({ ...world(5), "New@Beta": group(7, 8, 5) }, "alpha");
    expect(text(after)).toBe(text(before));
    expect(headerOf(after.headers, "Etag")).toBe(headerOf(before.headers, "Etag"));
    expect(headerOf(before.headers, "Etag")).not.toBe("1569882947");
    expect(headerOf((await read(world(5), "beta")).headers, "Etag")).not.toBe(
      headerOf((await read(world(4), "beta")).headers, "Etag"),
    );
  });

  it("answers 304 to the gateway's Etag, and 200 to OCS's", async () => {
    const etag = headerOf((await read(world(), "alpha")).headers, "Etag")!;
    const same = await read(world(), "alpha", [["If-None-Match", `"other", W/${etag}`]]);
    expect([same.status, text(same), headerOf(same.headers, "Etag")]).toEqual([304, "", etag]);
    expect((await read(world(), "alpha", [["If-None-Match", "1569882947"]])).status).toBe(200);
    expect((await read(world(), "beta", [["If-None-Match", etag]])).status).toBe(200);
  });

  it("omits a group whose ids differ from the config", async () => {
    expect(names(await read({ "Alpha Campaign@Alpha Agents": group(999, 234, 5) }, "alpha"))).toEqual([]);
  });

  it("shows a client only the groups that it is granted", async () => {
    const tenant = aTenant({
      clients: new Map([["alpha", { actions: new Set(ACTION_NAMES), campaignGroups: new Set([115]) }]]),
    });
    expect(names(await read(world(), "alpha", [], [tenant]))).toEqual(["Alpha Winback@Alpha Agents"]);
  });

  it("refuses an answer that is not the list of groups", async () => {
    const reply = await aLine({ send: () => Promise.resolve(anAnswer({ text: '{"GSW_CM_MessageType":24}' })) }).ask({
      method: "GET",
      target: "/campaigngroups",
    });
    expect([reply.status, headerOf(reply.headers, "Ocsgw-Code")]).toEqual([502, "OCSGW-4103"]);
  });
});

describe("GET /campaigngroups/<DBID>", () => {
  const status = (over: Record<string, unknown>): Promise<Reply> =>
    aLine({
      send: () =>
        Promise.resolve(anAnswer({ text: JSON.stringify({ GSW_CM_MessageType: 24, ...group(139, 234, 5), ...over }) })),
    }).ask({ method: "GET", target: "/campaigngroups/106" });

  it("passes OCS's answer unchanged", async () => {
    const reply = await status({ GSW_CM_AttrOriginAppID: 398 });
    expect([reply.status, JSON.parse(text(reply))]).toEqual([
      200,
      { GSW_CM_MessageType: 24, ...group(139, 234, 5), GSW_CM_AttrOriginAppID: 398 },
    ]);
  });

  it.each([
    ["another group's", { GSW_CM_AttrGroupID: 244 }],
    ["another campaign's", { GSW_CM_AttrCampaignID: 146 }],
    ["the list's", { GSW_CM_MessageType: 46 }],
  ])("does not deliver %s status", async (_whose, over) => {
    const reply = await status(over);
    expect([reply.status, headerOf(reply.headers, "Ocsgw-Code"), text(reply).includes("GSW_CM")]).toEqual([
      502,
      "OCSGW-4103",
      false,
    ]);
  });
});

describe("every other answer of OCS", () => {
  it("is passed with OCS's status, Server, Warning, Etag, Content-type and body", async () => {
    const html = "<HTML><body>410 Gone : 0 No call found for the record handle</body></HTML>";
    const line = aLine({
      send: () =>
        Promise.resolve(
          anAnswer({
            status: 410,
            headers: [
              ["server", "OCS/8.1"],
              ["warning", "112"],
              ["content-type", "text/html"],
              ["connection", "x"],
            ],
            text: html,
          }),
        ),
    });
    const reply = await line.ask({ target: "/records/16?req=RecordReject" });
    expect([reply.status, text(reply)]).toEqual([410, html]);
    expect([
      headerOf(reply.headers, "Server"),
      headerOf(reply.headers, "Warning"),
      headerOf(reply.headers, "Content-type"),
      headerOf(reply.headers, "Connection"),
    ]).toEqual(["OCS/8.1", "112", "text/html", undefined]);
    expect([
      headerOf(reply.headers, "Ocsgw-Origin"),
      headerOf(reply.headers, "Ocsgw-Delivery"),
      headerOf(reply.headers, "Ocsgw-Code"),
    ]).toEqual(["ocs", "answered", undefined]);
    expect(headerOf(reply.headers, "Server-Timing")).toMatch(/policy;dur=.+journal;dur=.+queue;dur=.+ocs;dur=/);
    expect(line.journal[1]).toMatchObject({
      kind: "outcome",
      delivery: "answered",
      origin: "ocs",
      status: 410,
      warning: "112",
    });
  });
});
