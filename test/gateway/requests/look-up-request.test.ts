import { describe, expect, it } from "vitest";
import { RunningRequests } from "../../../src/gateway/requests/running-requests.ts";
import type { FoundRequest, KnownRequest } from "../../../src/gateway/requests/request-state.ts";
import { headerOf, type Reply } from "../../../src/common/message.ts";
import { claimer, tableKeys } from "../../idempotency/kit.ts";
import { aLine, anAnswer, aTenant, beta, text, type TestLine } from "../../kit/line.ts";

const ID = "01KAPQ7Z8M3VABCDEFGHJKMNPR";
const KNOWN: KnownRequest = {
  client: "alpha",
  tenant: { dbid: 101, upstream: "ocs" },
  state: { id: ID, state: "answered", status: 200, delivery: "answered", repeat: null },
};
const NOTHING: FoundRequest = { known: undefined, unclear: undefined };
type Setting = NonNullable<Parameters<typeof aLine>[0]>;
type Ended = (id: string) => Promise<FoundRequest>;

const lineWith = (ended: Ended, over: Setting = {}, elsewhere?: Ended): TestLine & { readonly asked: string[] } => {
  const asked: string[] = [];
  const line = aLine({
    requests: {
      running: new RunningRequests(),
      ended: (id) => (asked.push(id), ended(id)),
      elsewhere,
    },
    ...over,
  });
  return { ...line, asked };
};
const get = (line: TestLine, over: object = {}): Promise<Reply> =>
  line.ask({ method: "GET", target: `/ocsgw/requests/${ID}`, ...over });
const codeOf = (reply: Reply) => [reply.status, headerOf(reply.headers, "Ocsgw-Code")];
const finding =
  (over: Partial<FoundRequest>): Ended =>
  () =>
    Promise.resolve({ ...NOTHING, ...over });

describe("GET /ocsgw/requests/<id>", () => {
  it("gives the client that made the request its state, and journals nothing", async () => {
    const line = lineWith(finding({ known: KNOWN }));
    const reply = await get(line);
    expect(JSON.parse(text(reply))).toEqual(KNOWN.state);
    expect(["Content-Type", "Ocsgw-Origin", "Ocsgw-Delivery"].map((name) => headerOf(reply.headers, name))).toEqual([
      "application/json",
      "gateway",
      "not-sent",
    ]);
    expect(headerOf(reply.headers, "Ocsgw-Code")).toBeUndefined();
    expect([line.journal, line.sent]).toEqual([[], []]);
    expect((await get(line, { target: `/ocsgw/requests/${ID.toLowerCase()}` })).status).toBe(200);
    expect((await get(line, { target: `http://gateway/ocsgw/requests/${ID}` })).status).toBe(200);
    expect(line.asked).toEqual([ID, ID, ID]);
  });

  it("gives everybody else what it gives for an id that no request had, after the same search", async () => {
    const known = lineWith(finding({ known: KNOWN }));
    const unknown = lineWith(finding({}));
    const replies = [await get(known, { as: "beta" }), await get(unknown, { as: "beta" }), await get(unknown)];
    expect(replies.map(codeOf)).toEqual(Array(3).fill([404, "OCSGW-1012"]));
    expect(new Set(replies.map(text)).size).toBe(1);
    expect(new Set(replies.map(({ headers }) => headers.map(([name]) => name).join())).size).toBe(1);
    expect(known.asked).toEqual([ID]);
  });

  it.each<[string, Partial<KnownRequest>, number]>([
    ["another client of the tenant", { client: "another" }, 404],
    ["another tenant of the client", { tenant: { dbid: 102, upstream: "ocs" } }, 404],
    ["the same DBID on another OCS", { tenant: { dbid: 101, upstream: "other" } }, 404],
    ["the client, when its OCS is not known", { tenant: { dbid: 101 } }, 200],
    ["the client, refused before its tenant was known", { tenant: undefined }, 200],
  ])("finds a request of %s: $2", async (_, over, status) =>
    expect((await get(lineWith(finding({ known: { ...KNOWN, ...over } })))).status).toBe(status),
  );

  it("says 503 and not 404 when the journal cannot tell, to everybody alike", async () => {
    const unclear = "entries of that time were deleted";
    for (const ended of [
      finding({ unclear }),
      finding({ known: { ...KNOWN, client: "another" }, unclear }),
      finding({ known: { ...KNOWN, state: undefined } }),
      () => Promise.reject(new Error("the index is being built")),
    ]) {
      const line = lineWith(ended);
      const reply = await get(line);
      expect([...codeOf(reply), headerOf(reply.headers, "Retry-After")]).toEqual([503, "OCSGW-5105", "5"]);
      expect(text(reply)).not.toMatch(/deleted|index is/);
      expect(line.journal).toMatchObject([{ kind: "refusal", reason: expect.stringMatching(/^unclear: /) }]);
    }
    const stranger = lineWith(finding({ known: { ...KNOWN, state: undefined } }));
    expect(codeOf(await get(stranger, { as: "beta" }))).toEqual([404, "OCSGW-1012"]);
  });

  it("asks other gateways, and says 503 when one of them does not answer", async () => {
    expect((await get(lineWith(finding({}), {}, finding({ known: KNOWN })))).status).toBe(200);
    const silent = lineWith(finding({}), {}, () => Promise.reject(new Error("gw-b does not answer")));
    expect(codeOf(await get(silent))).toEqual([503, "OCSGW-5105"]);
  });

  it.each<[string, object, [number, string]]>([
    ["without a credential", { as: "" }, [401, "OCSGW-2001"]],
    ["with another method", { method: "POST" }, [405, "OCSGW-1008"]],
    ["with an id that is no ULID", { target: "/ocsgw/requests/15" }, [404, "OCSGW-1012"]],
    ["with a longer path", { target: `/ocsgw/requests/${ID}/x` }, [404, "OCSGW-1001"]],
    ["for a tenant of others", { headers: [["Ocsgw-Tenant", "102"]] }, [403, "OCSGW-2103"]],
  ])("is refused %s", async (_, over, code) => {
    const line = lineWith(finding({ known: KNOWN }));
    expect(codeOf(await get(line, over))).toEqual(code);
    expect(line.asked).toEqual([]);
  });

  it("is charged to the limits of the tenant", async () => {
    const limits = { requests: { points: 1, seconds: 60 }, actions: new Map() };
    const line = lineWith(finding({ known: KNOWN }), { tenants: [aTenant({ limits }), beta()] });
    expect((await get(line)).status).toBe(200);
    expect(codeOf(await get(line))).toEqual([429, "OCSGW-3001"]);
  });
});

describe("a running request", () => {
  const ADD = {
    target: "/lists/Alpha%20List?req=AddRecord",
    body: '{"GSW_PHONE":"4155550100","GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_TZ_NAME":"PST"}',
  };
  it.each([
    ["no", []],
    ["safe", [["Idempotency-Key", "k"]]],
  ] as const)("is queued, then sent, and known to its client alone (repeat: %s)", async (repeat, headers) => {
    const running = new RunningRequests();
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof anAnswer>>();
    const { promise: queued, resolve: onQueued } = Promise.withResolvers<void>();
    const line = aLine({
      requests: { running, ended: () => Promise.resolve(NOTHING) },
      claimKey: claimer(tableKeys(":memory:")),
      send: () => (onQueued(), promise),
      observe: ({ arrival }) => running.end(arrival.id),
    });
    const first = line.ask({ ...ADD, headers, id: ID });
    await queued;
    const asked = async (as: string) =>
      JSON.parse(text(await get(line, { as, headers: [["Accept", "application/json"]] })));
    expect(await asked("alpha")).toEqual({ id: ID, state: "queued", status: null, delivery: "not-sent", repeat });
    running.sent(ID);
    expect(await asked("alpha")).toMatchObject({ state: "sent", status: null, delivery: "sent-no-answer", repeat });
    expect(await asked("beta")).toMatchObject({ code: "OCSGW-1012" });
    resolve(anAnswer());
    await first;
    expect(running.find(ID)).toBeUndefined();
  });
});
