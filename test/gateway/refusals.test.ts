import { describe, expect, it } from "vitest";
import { REFUSALS } from "../../src/gateway/refusals.ts";
import type { Entry } from "../../src/journal/entry.ts";
import { headerOf, type Reply } from "../../src/common/message.ts";
import { UpstreamError, type FailureReason } from "../../src/upstream/types.ts";
import { aLine, outboxWith, aTenant, beta, text, type TestLine } from "../kit/line.ts";

const DNC = "/phones/4155550100?req=DoNotCall";
type Case = {
  readonly code: string;
  readonly status: number;
  readonly when: string;
  readonly ask: Parameters<TestLine["ask"]>[0];
  readonly line?: () => TestLine;
  readonly pointer?: string;
  readonly header?: readonly [string, RegExp];
  readonly close?: true;
};

const limited = (): TestLine =>
  aLine({ tenants: [aTenant({ limits: { requests: { points: 1, seconds: 60 }, actions: new Map() } })] });
const spent = (): TestLine => {
  const line = limited();
  return {
    ...line,
    ask: async (ask) => {
      await line.ask(ask);
      line.sent.length = line.journal.length = 0;
      return line.ask(ask);
    },
  };
};
/** All the handles that a tenant may try in this second. */
const probed = (): TestLine => {
  const line = aLine({ tenants: [aTenant({ records: "pre-dial" })] });
  const ask: TestLine["ask"] = async (asked) => {
    for (let handle = 1; handle <= 100; handle++) await line.ask({ target: `/records/${handle}?req=RecordReject` });
    return line.ask(asked);
  };
  return { ...line, ask };
};
const both = new Map([["cluster", { actions: new Set(["DoNotCall" as const]), campaignGroups: undefined }]]);
const ofTwo = (): TestLine => aLine({ tenants: [aTenant({ clients: both }), beta({ clients: both })] });

const cases: readonly Case[] = [
  { code: "1001", status: 404, when: "the path is not a resource", ask: { target: "/recordz/15?req=RecordReject" } },
  {
    code: "1001",
    status: 404,
    when: "the identifier is invalid",
    ask: { target: "/records/0x15?req=RecordReject" },
  },
  {
    code: "1001",
    status: 404,
    when: "the identifier contains %2F",
    ask: { target: "/records/15%2F..%2F16?req=RecordReject" },
  },
  {
    code: "1001",
    status: 404,
    when: "the path contains ..",
    ask: { target: "/records/../records/16?req=RecordReject" },
  },
  { code: "1002", status: 400, when: "req is missing", ask: { target: "/records/15" } },
  {
    code: "1002",
    status: 400,
    when: "req is duplicate",
    ask: { target: "/records/15?req=RecordReject&req=DoNotCall" },
  },
  { code: "1002", status: 400, when: "req is of another resource", ask: { target: "/records/15?req=Load" } },
  {
    code: "1003",
    status: 400,
    when: "the body is not JSON",
    ask: { target: DNC, body: "GSW_TENANT_DBID=101" },
    close: true,
  },
  {
    code: "1003",
    status: 400,
    when: "the body is not UTF-8",
    ask: { target: DNC, body: Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) },
    close: true,
  },
  { code: "1003", status: 400, when: "the body is an array", ask: { target: DNC, body: "[]" }, close: true },
  {
    code: "1004",
    status: 400,
    when: "a scope key is duplicate in another spelling",
    ask: { target: DNC, body: '{"GSW_TENANT_DBID":101,"GSW\\u005fTENANT_DBID":102}' },
  },
  {
    code: "1004",
    status: 400,
    when: "a scope key is duplicate in another case",
    ask: { target: DNC, body: '{"GSW_TENANT_DBID":101,"gsw_tenant_dbid":102}' },
  },
  {
    code: "1004",
    status: 400,
    when: "a scope key is duplicate in a nested object",
    ask: { target: DNC, body: '{"GSW_TENANT_DBID":101,"X":{"GSW_TENANT_DBID":102}}' },
  },
  {
    code: "1005",
    status: 400,
    when: "URI and body contradict each other",
    ask: { target: DNC, body: '{"GSW_PHONE":"4155550101"}' },
    pointer: "/GSW_PHONE",
  },
  {
    code: "1006",
    status: 400,
    when: "the length is wrong",
    ask: { target: DNC, body: '{"GSW_TENANT_NAME":"Alp', surplus: true },
    close: true,
  },
  {
    code: "1006",
    status: 413,
    when: "the body is too large",
    ask: { target: DNC, fault: { kind: "body-too-large", detail: "larger than 65536 bytes" } },
    close: true,
  },
  {
    code: "1006",
    status: 431,
    when: "the header block is too large",
    ask: { target: "", fault: { kind: "head-too-large", detail: "larger than 16384 bytes" } },
    close: true,
  },
  {
    code: "1007",
    status: 400,
    when: "an attribute is missing",
    ask: { target: "/campaigngroups/106?req=StartDialing" },
    pointer: "/GSW_CM_AttrDialMode",
  },
  {
    code: "1007",
    status: 400,
    when: "a GSW name is not in the table",
    ask: { target: DNC, body: '{"GSW_SOMETHING":1}' },
    pointer: "/GSW_SOMETHING",
  },
  {
    code: "1007",
    status: 400,
    when: "the tenant does not declare a field",
    ask: { target: DNC, body: '{"HOBBY":"x"}' },
    line: () => aLine({ tenants: [aTenant({ fields: new Set(["CODE"]) })] }),
    pointer: "/HOBBY",
  },
  {
    code: "1008",
    status: 405,
    when: "the resource does not allow the method",
    ask: { method: "GET", target: "/records/15" },
    header: ["Allow", /^POST$/],
  },
  {
    code: "1009",
    status: 415,
    when: "the content type is not allowed",
    ask: { target: DNC, headers: [["Content-Type", "text/plain"]], body: "{}" },
  },
  {
    code: "1010",
    status: 421,
    when: "the authority is not the gateway's",
    ask: { target: "http://evil/records/15", fault: { kind: "foreign-authority", detail: "Host is not this gateway" } },
  },
  {
    code: "1011",
    status: 400,
    when: "the bytes are ambiguous",
    ask: { target: "", fault: { kind: "ambiguous", detail: "host stands twice" } },
    close: true,
  },
  {
    code: "2001",
    status: 401,
    when: "there is no credential",
    ask: { target: DNC, as: "" },
    header: ["WWW-Authenticate", /^Basic/],
  },
  {
    code: "2001",
    status: 401,
    when: "no tenant has the client",
    ask: { target: DNC, as: "nobody" },
    header: ["WWW-Authenticate", /^Basic/],
  },
  {
    code: "2002",
    status: 429,
    when: "too many credentials failed",
    ask: { target: DNC },
    line: () => aLine({ identify: () => ({ denied: "throttled", reason: "too many", retryAfter: 7 }) }),
    header: ["Retry-After", /^7$/],
  },
  {
    code: "2003",
    status: 503,
    when: "the issuer's keys cannot be fetched",
    ask: { target: DNC },
    header: ["Retry-After", /^29$/],
    line: () => aLine({ identify: () => ({ denied: "issuer-unavailable", reason: "no keys", retryAfter: 29 }) }),
  },
  {
    code: "2101",
    status: 403,
    when: "the action is not granted",
    ask: { target: "/campaigngroups/106?req=ForceUnload" },
    line: () =>
      aLine({
        tenants: [
          aTenant({
            clients: new Map([["alpha", { actions: new Set(["DoNotCall" as const]), campaignGroups: undefined }]]),
          }),
        ],
      }),
  },
  {
    code: "2101",
    status: 403,
    when: "the client is not granted the group",
    ask: { target: "/campaigngroups/115?req=Load" },
    line: () =>
      aLine({
        tenants: [
          aTenant({
            clients: new Map([["alpha", { actions: new Set(["Load" as const]), campaignGroups: new Set([106]) }]]),
          }),
        ],
      }),
  },
  {
    code: "2103",
    status: 403,
    when: "the body names another tenant by DBID",
    ask: { target: DNC, body: '{"GSW_TENANT_DBID":102}' },
    pointer: "/GSW_TENANT_DBID",
  },
  {
    code: "2103",
    status: 403,
    when: "the body has another tenant's name with its own DBID",
    ask: { target: DNC, body: '{"GSW_TENANT_DBID":"101","GSW_TENANT_NAME":"Beta Tenant"}' },
    pointer: "/GSW_TENANT_NAME",
  },
  {
    code: "2103",
    status: 403,
    when: "the header names another tenant",
    ask: { target: DNC, headers: [["Ocsgw-Tenant", "102"]] },
  },
  {
    code: "2104",
    status: 403,
    when: "the campaign group belongs to another tenant",
    ask: { target: "/campaigngroups/208?req=Load" },
  },
  {
    code: "2104",
    status: 403,
    when: "the campaign belongs to another tenant",
    ask: { target: "/phones/4155550100?req=RequestRecordCancel", body: '{"GSW_CAMPAIGN_NAME":"Beta Campaign"}' },
    pointer: "/GSW_CAMPAIGN_NAME",
  },
  {
    code: "2104",
    status: 403,
    when: "the list belongs to another tenant",
    ask: {
      target: "/lists/Beta%20List?req=AddRecord",
      body: '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}',
    },
  },
  {
    code: "2105",
    status: 400,
    when: "a client of two tenants names neither",
    ask: { target: DNC, as: "cluster" },
    line: ofTwo,
  },
  {
    code: "2106",
    status: 410,
    when: "the record was not announced",
    ask: { target: "/records/15?req=RecordReject" },
    line: () => aLine({ tenants: [aTenant({ records: "pre-dial" })] }),
  },
  {
    code: "2108",
    status: 429,
    when: "a client probes handles",
    ask: { target: "/records/99?req=RecordReject" },
    line: probed,
    header: ["Retry-After", /^1$/],
  },
  {
    code: "2109",
    status: 409,
    when: "a Do-Not-Call for the number is pending",
    ask: {
      target: "/lists/Alpha%20List?req=AddRecord",
      body: '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}',
    },
    line: () => aLine({ outbox: outboxWith({ pendingFor: () => "phone" }) }),
    pointer: "/GSW_PHONE",
  },
  {
    code: "3002",
    status: 429,
    when: "the tenant has too many accepted Do-Not-Calls",
    ask: { target: DNC, headers: [["Prefer", "respond-async"]] },
    line: () => aLine({ outbox: outboxWith({ hasRoom: () => false }) }),
    header: ["Retry-After", /^60$/],
  },
  {
    code: "3001",
    status: 429,
    when: "a rate limit is exceeded",
    ask: { target: DNC },
    line: spent,
    header: ["Retry-After", /^\d+$/],
  },
];

const lastOf = (journal: readonly Entry[]): Entry | undefined => journal.at(-1);

const expectHeaders = (reply: Reply, code: string, delivery: string): void => {
  expect(headerOf(reply.headers, "Ocsgw-Code")).toBe(`OCSGW-${code}`);
  expect(headerOf(reply.headers, "Ocsgw-Origin")).toBe("gateway");
  expect(headerOf(reply.headers, "Ocsgw-Delivery")).toBe(delivery);
  expect(headerOf(reply.headers, "Ocsgw-Request-Id")).toMatch(/^[0-9A-Z]{26}$/);
  expect(headerOf(reply.headers, "Server-Timing")).toMatch(/^policy;dur=[\d.]+/);
  expect(headerOf(reply.headers, "Warning")).toBeUndefined();
};

describe("a refusal before a request is sent", () => {
  it.each(cases)(
    "is $code with status $status when $when",
    async ({ code, status, ask, line = aLine, pointer, header, close }) => {
      const plain = line();
      const html = await plain.ask(ask);
      expect(html.status).toBe(status);
      expectHeaders(html, code, "not-sent");
      expect(headerOf(html.headers, "Content-Type")).toBe("text/html; charset=utf-8");
      expect(text(html)).toMatch(
        new RegExp(
          `^<HTML><body>${status} [A-Za-z -]+ : OCSGW-${code} .+ Not sent to OCS\\.(?: The same request may be sent ` +
            `again\\.)?</body></HTML>$`,
        ),
      );
      expect(html.close === true).toBe(close === true);
      if (header) expect(headerOf(html.headers, header[0])).toMatch(header[1]);
      expect(plain.sent).toEqual([]);
      expect(lastOf(plain.journal)).toMatchObject({
        kind: "refusal",
        code: `OCSGW-${code}`,
        status,
        delivery: "not-sent",
        source: "127.0.0.1",
        listener: "clients",
      });

      const asJson = line();
      const problem = await asJson.ask({
        ...ask,
        headers: [...(ask.headers ?? []), ["Accept", "application/problem+json"]],
      });
      expect(headerOf(problem.headers, "Content-Type")).toBe("application/problem+json");
      const problemJson = JSON.parse(text(problem)) as Record<string, unknown>;
      expect(problemJson).toMatchObject({
        status,
        code: `OCSGW-${code}`,
        origin: "gateway",
        delivery: "not-sent",
        request_id: "01KAPQ7Z8M3VABCDEFGHJKMNPQ",
      });
      for (const member of ["type", "title", "detail", "instance"]) expect(problemJson[member]).toBeTypeOf("string");
      expect(problemJson.pointer).toBe(pointer);
    },
  );

  it("never contains another tenant's names", async () => {
    for (const ask of [
      { target: DNC, body: '{"GSW_TENANT_NAME":"Beta Tenant"}' },
      {
        target: "/lists/Beta%20List?req=AddRecord",
        body: '{"GSW_CAMPAIGN_NAME":"Beta Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}',
      },
    ]) {
      const reply = await aLine().ask(ask);
      expect(reply.status).toBe(403);
      expect(text(reply)).not.toMatch(/Beta/);
    }
  });

  it("has the same text for another tenant's object and one that does not exist", async () => {
    const [foreign, absent] = await Promise.all(
      ["/campaigngroups/208?req=Load", "/campaigngroups/999?req=Load"].map((target) => aLine().ask({ target })),
    );
    expect(text(foreign!)).toBe(text(absent!));
    expect(foreign!.headers.map(([name]) => name)).toEqual(absent!.headers.map(([name]) => name));
  });

  it.each([
    [[], false],
    [["*/*"], false],
    [["application/*"], false],
    [["text/html, */*;q=0.8"], false],
    [["application/jsonx"], false],
    [["application/json"], true],
    [["text/html, Application/Problem+JSON; q=0.1"], true],
    [["application/json;q=0"], false],
    [["application/json; q=0.000, text/html"], false],
    [["application/problem+json;q=0, application/json"], true],
    [["text/html", "application/json"], true],
    [["text/html", "application/json;q=0"], false],
  ] as const)("to a client that accepts %j is RFC 9457: %s", async (accepts, isProblem) => {
    const reply = await aLine().ask({ target: "/x", headers: accepts.map((value) => ["accept", value] as const) });
    expect(headerOf(reply.headers, "Content-Type")).toBe(
      isProblem ? "application/problem+json" : "text/html; charset=utf-8",
    );
  });

  it("has the format that the listener's config sets, regardless of Accept", async () => {
    const reply = await aLine({ errorFormat: "problem" }).ask({ target: "/x" });
    expect(headerOf(reply.headers, "Content-Type")).toBe("application/problem+json");
    const plain = await aLine({ errorFormat: "ocs" }).ask({ target: "/x", headers: [["Accept", "application/json"]] });
    expect(headerOf(plain.headers, "Content-Type")).toBe("text/html; charset=utf-8");
  });
});

describe("a request that fails on the way to OCS", () => {
  const failing: readonly [FailureReason, boolean, string, number, string][] = [
    ["queue-full", false, "3002", 503, "not-sent"],
    ["queue-timeout", false, "3003", 503, "not-sent"],
    ["unreachable", false, "4001", 503, "not-sent"],
    ["no-answer", true, "4101", 504, "sent-no-answer"],
    ["connection-lost", true, "4102", 502, "sent-no-answer"],
    ["malformed-response", true, "4103", 502, "sent-no-answer"],
  ];
  it.each(failing)(
    "by %s has an intent and an outcome in the journal, and its reply says how far it got",
    async (why, sent, code, status, delivery) => {
      const line = aLine({ send: () => Promise.reject(new UpstreamError(why, sent, "in words")) });
      const reply = await line.ask({ target: DNC });
      expect(reply.status).toBe(status);
      expectHeaders(reply, code, delivery);
      if (status === 503) expect(headerOf(reply.headers, "Retry-After")).toMatch(/^\d+$/);
      expect(line.journal.map(({ kind }) => kind)).toEqual(["intent", "outcome"]);
      expect(lastOf(line.journal)).toMatchObject({ code: `OCSGW-${code}`, status, delivery, origin: "gateway" });
    },
  );

  it("is not sent when the intent cannot be written (5101)", async () => {
    const line = aLine({ append: () => Promise.reject(new Error("ENOSPC")) });
    const reply = await line.ask({ target: DNC });
    expect(reply.status).toBe(503);
    expectHeaders(reply, "5101", "not-sent");
    expect(line.sent).toEqual([]);
  });

  it("gets OCS's answer when only the outcome cannot be written (5102)", async () => {
    let appended = 0;
    const line = aLine({ append: () => (appended++ === 0 ? Promise.resolve() : Promise.reject(new Error("EIO"))) });
    const reply = await line.ask({ target: DNC });
    expect(reply.status).toBe(200);
    expect(headerOf(reply.headers, "Ocsgw-Code")).toBe("OCSGW-5102");
    expect(headerOf(reply.headers, "Ocsgw-Origin")).toBe("ocs");
  });

  it("and is abandoned by its client is journaled as abandoned and not sent", async () => {
    const line = aLine({ send: () => Promise.reject(new UpstreamError("abandoned", false, "hung up")) });
    await line.ask({ target: DNC });
    expect(line.journal.map(({ kind }) => kind)).toEqual(["intent", "abandoned"]);
  });

  it("by an internal error gets 5900 without details", async () => {
    const line = aLine({
      identify: () => {
        throw new Error("secret inside");
      },
    });
    const reply = await line.ask({ target: DNC });
    expect(reply.status).toBe(500);
    expectHeaders(reply, "5900", "not-sent");
    expect(text(reply)).not.toMatch(/secret/);
  });
});

describe("the table of refusals", () => {
  it("has a test for every refusal", () => {
    const tested = new Set([
      ...cases.map(({ code, status }) => `OCSGW-${code} ${status}`),
      "OCSGW-3002 503",
      "OCSGW-3003 503",
      "OCSGW-4001 503",
      "OCSGW-4101 504",
      "OCSGW-4102 502",
      "OCSGW-4103 502",
      "OCSGW-5101 503",
      "OCSGW-5900 500",
      // See test/idempotency/line.test.ts.
      "OCSGW-3101 409",
      // See test/gateway/requests.
      "OCSGW-1012 404",
      "OCSGW-5105 503",
      "OCSGW-3102 422",
      "OCSGW-3103 400",
      "OCSGW-3104 429",
      "OCSGW-5104 503",
      "OCSGW-2107 409",
      "OCSGW-5103 503",
      // In stages/hand-over.test.ts: the request has an intent.
      "OCSGW-5106 503",
    ]);
    expect(Object.values(REFUSALS).filter(({ code, status }) => !tested.has(`${code} ${status}`))).toEqual([]);
  });
});
