import { describe, expect, it } from "vitest";
import { Ownership } from "../../../src/ownership/ownership.ts";
import { headerOf, type HeaderLine } from "../../../src/common/message.ts";
import type { Outcome } from "../../../src/journal/entry.ts";
import { aLine, aTenant, outboxWith, text } from "../../kit/line.ts";

const PREFER = [["Prefer", "respond-async"]] as const;
const DNC = { target: "/phones/4155550100?req=DoNotCall", headers: PREFER };
const ADD = {
  target: "/lists/Alpha%20List?req=AddRecord",
  body: '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST","GSW_CUSTOMER_ID":"C-1"}',
};

describe("a Do-Not-Call with Prefer: respond-async", () => {
  it("is journaled, stored, and answered with 202, in this order; nothing is sent", async () => {
    const steps: string[] = [];
    const line = aLine({
      append: (entry) => Promise.resolve(void steps.push(entry.kind)),
      outbox: outboxWith({
        accept: ({ id, path, body }) => Promise.resolve(void steps.push(`stored ${id} ${path} ${body}`)),
        begin: (id) => void steps.push(`begun ${id}`),
      }),
    });
    const reply = await line.ask(DNC);
    const id = headerOf(reply.headers, "Ocsgw-Request-Id")!;
    expect(steps).toEqual([
      "intent",
      `stored ${id} /phones/4155550100?req=DoNotCall {"GSW_TENANT_DBID":101}`,
      "outcome",
      `begun ${id}`,
    ]);
    expect([reply.status, text(reply), line.sent]).toEqual([202, "", []]);
    const shown = Object.fromEntries(reply.headers);
    expect(shown).toMatchObject({
      Location: `/ocsgw/requests/${id}`,
      "Preference-Applied": "respond-async",
      "Ocsgw-Origin": "gateway",
      "Ocsgw-Delivery": "not-sent",
    });
    expect(shown).not.toHaveProperty("Ocsgw-Code");
  });

  it.each<[string, readonly HeaderLine[], number]>([
    ["with another preference", [["Prefer", "wait=10, respond-async"]], 202],
    ["with parameters", [["Prefer", "respond-async; foo=bar, wait=100"]], 202],
    ["in another case", [["prefer", "Respond-Async"]], 202],
    [
      "in a second header",
      [
        ["Prefer", "return=minimal"],
        ["Prefer", "respond-async"],
      ],
      202,
    ],
    ["with an empty value", [["Prefer", 'respond-async=""']], 202],
    ["as the value of another preference", [["Prefer", "foo=respond-async"]], 200],
    ["as a parameter of another preference", [["Prefer", "foo; respond-async"]], 200],
    ["within a quoted text", [["Prefer", 'foo="a, respond-async"']], 200],
    ["with a value", [["Prefer", "respond-async=no"]], 200],
    ["not at all", [], 200],
  ])("is asked for %s", async (_how, headers, status) => {
    const line = aLine({ outbox: outboxWith() });
    expect((await line.ask({ ...DNC, headers })).status).toBe(status);
    expect(line.sent).toHaveLength(status === 200 ? 1 : 0);
  });

  it.each([
    ["by customer id", "/customer_ids/C-1?req=DoNotCall", 202],
    ["by record handle", "/records/15?req=DoNotCall", 202],
    ["of another action", "/phones/4155550100?req=RequestRecordCancel", 200],
  ])("%s", async (_by, target, status) => {
    const line = aLine({ outbox: outboxWith() });
    expect((await line.ask({ target, headers: PREFER })).status).toBe(status);
  });

  it("is sent at once where nothing can be handed over", async () => {
    const line = aLine();
    expect((await line.ask(DNC)).status).toBe(200);
  });

  it.each<[string, Parameters<typeof aLine>[0], number, string, readonly string[]]>([
    ["the tenant's outbox is full", { outbox: outboxWith({ hasRoom: () => false }) }, 429, "OCSGW-3002", ["refusal"]],
    [
      "the outbox cannot be written",
      { outbox: outboxWith({ accept: () => Promise.reject(new Error("no space is left on the disk")) }) },
      503,
      "OCSGW-5106",
      ["intent", "outcome"],
    ],
    [
      "the shared database cannot be reached",
      { outbox: outboxWith({ isShared: true, accept: () => Promise.reject(new Error("no answer in time")) }) },
      503,
      "OCSGW-5104",
      ["intent", "outcome"],
    ],
    [
      "the client may not do it",
      {
        outbox: outboxWith(),
        tenants: [aTenant({ clients: new Map([["alpha", { actions: new Set(), campaignGroups: undefined }]]) })],
      },
      403,
      "OCSGW-2101",
      ["refusal"],
    ],
    [
      "the journal cannot be written",
      { outbox: outboxWith(), append: () => Promise.reject(new Error("ENOSPC")) },
      503,
      "OCSGW-5101",
      ["refusal"],
    ],
  ])("is refused, and not sent later, when %s", async (_why, setting, status, code, kinds) => {
    const begun: string[] = [];
    const line = aLine({ ...setting, outbox: { ...setting!.outbox!, begin: (id) => void begun.push(id) } });
    const reply = await line.ask(DNC);
    expect([reply.status, headerOf(reply.headers, "Ocsgw-Code")]).toEqual([status, code]);
    expect(headerOf(reply.headers, "Ocsgw-Delivery")).toBe("not-sent");
    expect(line.journal.map(({ kind }) => kind)).toEqual(kinds);
    expect([line.sent, begun]).toEqual([[], []]);
    if (kinds.includes("outcome"))
      expect(line.journal[1] as Outcome).toMatchObject({
        delivery: "not-sent",
        reason: expect.stringMatching(/^no (?:space is left on the disk|answer in time)$/) as string,
      });
  });

  it("gives its lease on the record handle back, so that the attempt gets one", async () => {
    const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined });
    const line = aLine({ ownership, outbox: outboxWith() });
    await line.ask({ target: "/records/15?req=DoNotCall", headers: PREFER });
    const decision = ownership.requestLease(aTenant(), "15", true);
    expect("lease" in decision && decision.lease.after()).toBeUndefined();
    await ownership.close();
  });
});

describe("AddRecord of a person with a pending Do-Not-Call", () => {
  it.each([
    ["by phone number", "phone", "/GSW_PHONE"],
    ["by customer id", "customer", "/GSW_CUSTOMER_ID"],
  ] as const)("is refused %s, also in observe mode, without the number", async (_by, by, pointer) => {
    const asked: unknown[] = [];
    const line = aLine({
      tenants: [aTenant({ observes: true })],
      outbox: outboxWith({
        pendingFor: (tenant, person) => {
          asked.push([tenant.upstream, tenant.dbid, person]);
          return by;
        },
      }),
    });
    const json = [["Accept", "application/json"]] as const;
    for (const target of [ADD.target, "/records/15?req=AddRecord"]) {
      const reply = await line.ask({ ...ADD, target, headers: json });
      expect(reply.status).toBe(409);
      expect(JSON.parse(text(reply))).toMatchObject({ code: "OCSGW-2109", pointer, delivery: "not-sent" });
      expect(text(reply) + JSON.stringify(line.journal)).not.toContain("4155550100");
    }
    expect(asked).toEqual([
      ["ocs", 101, { phone: "4155550100", customer: "C-1" }],
      ["ocs", 101, { phone: "4155550100", customer: "C-1" }],
    ]);
    expect(line.sent).toEqual([]);
  });

  it("is refused too if the Do-Not-Call is accepted while the request waits for a lane", async () => {
    let pending: "phone" | undefined;
    const line = aLine({ outbox: outboxWith({ pendingFor: () => pending }) });
    await line.ask(ADD);
    expect(line.sent[0]!.withdrawn?.()).toBeUndefined();
    pending = "phone";
    expect(line.sent[0]!.withdrawn?.()).toBe("dnc-pending");
  });

  it("does not hold up other actions for the same number", async () => {
    const line = aLine({ outbox: outboxWith({ pendingFor: () => "phone" }) });
    expect((await line.ask({ target: "/phones/4155550100?req=RequestRecordCancel" })).status).toBe(200);
  });
});
