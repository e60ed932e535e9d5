/** AddRecord with an Idempotency-Key through the whole line: what client and OCS get, and what the journal has. */
import { describe, expect, it } from "vitest";
import { REFUSALS } from "../../src/gateway/refusals.ts";
import type { ClaimKey } from "../../src/idempotency/keys.ts";
import { KeysUnavailable } from "../../src/idempotency/types.ts";
import { headerOf, type HeaderLine, type Reply } from "../../src/common/message.ts";
import { UpstreamError, type FailureReason } from "../../src/upstream/types.ts";
import { Ownership } from "../../src/ownership/ownership.ts";
import type { LeaseResponse } from "../../src/ownership/types.ts";
import { aLine, anAnswer, aTenant, beta, text, type TestLine } from "../kit/line.ts";
import { claimer, tableKeys } from "./kit.ts";

const LIST = "/lists/Alpha%20List?req=AddRecord";
const RECORD = "/records/15?req=AddRecord";
const BODY = '{"GSW_PHONE":"4155550100","GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_TZ_NAME":"PST"}';
const ON_RECORD = '{"GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}';
type Ask = Parameters<TestLine["ask"]>[0];
type Setting = NonNullable<Parameters<typeof aLine>[0]>;

let ids = 0;
const nextId = (): string => `01KAPQ7Z8M3V${String(++ids).padStart(14, "0")}`;

type Keyed = Omit<TestLine, "ask"> & { readonly add: (over?: Partial<Ask>, key?: string) => Promise<Reply> };
const keyed = (over: Setting = {}, claimKey: ClaimKey = claimer(tableKeys(":memory:"))): Keyed => {
  const line = aLine({ claimKey, ...over });
  return {
    ...line,
    add: ({ headers = [], ...ask } = {}, key = '"k-1"') => {
      const given: readonly HeaderLine[] = key === "" ? headers : [...headers, ["Idempotency-Key", key]];
      return line.ask({ id: nextId(), target: LIST, body: BODY, ...ask, headers: given });
    },
  };
};
const header = ({ headers }: Reply, name: string): string | undefined => headerOf(headers, `Ocsgw-${name}`);
const seen = (reply: Reply) => [reply.status, header(reply, "Code"), header(reply, "Idempotency")];
const idOf = (reply: Reply): string => header(reply, "Request-Id")!;

describe("a repeated AddRecord", () => {
  it.each([
    ["on a list", { target: LIST, body: BODY }],
    ["on a record", { target: RECORD, body: ON_RECORD }],
  ])("%s gets OCS's first answer again, and is journaled as a replay", async (_, ask) => {
    const answer = anAnswer({ status: 409, text: "<HTML>", headers: [["Warning", '9014 - "no"']] });
    const line = keyed({ send: () => Promise.resolve(answer) });
    const first = await line.add(ask);
    const again = await line.add({ ...ask, body: ask.body.replace("{", '{ "GSW_TENANT_DBID" : "101",') });
    expect([seen(first), seen(again)]).toEqual([
      [409, undefined, undefined],
      [409, undefined, "replayed"],
    ]);
    expect([text(again), headerOf(again.headers, "Warning")]).toEqual(["<HTML>", '9014 - "no"']);
    expect([header(again, "Origin"), header(again, "Delivery"), header(again, "First-Request")]).toEqual([
      "ocs",
      "answered",
      idOf(first),
    ]);
    expect(line.sent).toHaveLength(1);
    expect(line.journal.map(({ kind }) => kind)).toEqual(["intent", "outcome", "replay"]);
    const [intent, , replay] = line.journal;
    expect(replay).toMatchObject({
      id: idOf(again),
      first: idOf(first),
      status: 409,
      code: null,
      delivery: "answered",
      client: "alpha",
      tenant: { dbid: 101 },
      idempotency_key: expect.stringMatching(/^t1:[0-9a-f]{64}$/),
    });
    expect(intent).toMatchObject({ idempotency_key: (replay as { idempotency_key: string }).idempotency_key });
  });

  it.each<[string, Partial<Ask>, string]>([
    ["another body", { body: BODY.replace("0100", "0101") }, '"k-1"'],
    ["another list", { target: "/lists/Alpha%20List%202?req=AddRecord" }, "k-1"],
    ["another resource", { target: RECORD, body: ON_RECORD }, "k-1"],
  ])("with %s is refused", async (_, ask, key) => {
    const line = keyed({ tenants: [aTenant({ lists: new Set(["Alpha List", "Alpha List 2"]) })] });
    const first = await line.add();
    const reply = await line.add(ask, key);
    expect(seen(reply)).toEqual([422, "OCSGW-3102", undefined]);
    expect([header(reply, "Delivery"), header(reply, "First-Request")]).toEqual(["not-sent", idOf(first)]);
    expect(line.sent).toHaveLength(1);
    expect(line.journal.at(-1)).toMatchObject({
      kind: "refusal",
      stage: "key",
      reason: expect.stringMatching(/^reused/),
    });
  });

  it("while the first is in progress gets 409 with Retry-After, also in the same turn", async () => {
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof anAnswer>>();
    const line = keyed({ send: () => promise, waitFor: () => 7 });
    const both = [line.add(), line.add()];
    const refused = await Promise.race(both);
    expect(seen(refused)).toEqual([409, "OCSGW-3101", undefined]);
    expect([headerOf(refused.headers, "Retry-After"), header(refused, "Repeat")]).toEqual(["7", "safe"]);
    resolve(anAnswer());
    expect(new Set((await Promise.all(both)).map(({ status }) => status))).toEqual(new Set([200, 409]));
    expect(seen(await line.add())).toEqual([200, undefined, "replayed"]);
    expect(line.sent).toHaveLength(1);
  });

  it.each<[FailureReason, string]>([
    ["no-answer", "OCSGW-4101"],
    ["connection-lost", "OCSGW-4102"],
    ["malformed-response", "OCSGW-4103"],
  ])("after %s stays unknown, is never sent, and may be repeated", async (reason, code) => {
    const line = keyed({ send: () => Promise.reject(new UpstreamError(reason, true, "in words")) });
    const [first, again] = [await line.add(), await line.add()];
    const { status } = REFUSALS[reason as "no-answer"];
    expect([seen(first), seen(again)]).toEqual([
      [status, code, undefined],
      [status, code, "replayed"],
    ]);
    expect([first, again].map((reply) => [header(reply, "Repeat"), header(reply, "Delivery")])).toEqual([
      ["safe", "sent-no-answer"],
      ["safe", "sent-no-answer"],
    ]);
    expect(text(again)).toContain("in words");
    expect(line.sent).toHaveLength(1);
    expect(line.journal.at(-1)).toMatchObject({ kind: "replay", first: idOf(first), code, delivery: "sent-no-answer" });
  });

  it.each<FailureReason>(["queue-full", "queue-timeout", "abandoned", "unreachable", "revoked", "unclear"])(
    "after %s is sent: nothing was sent before",
    async (reason) => {
      let fails = true;
      const line = keyed({
        send: () =>
          fails ? Promise.reject(new UpstreamError(reason, false, "in words")) : Promise.resolve(anAnswer()),
      });
      expect((await line.add()).status).toBe(REFUSALS[reason as "unreachable"].status);
      fails = false;
      expect(seen(await line.add())).toEqual([200, undefined, undefined]);
      expect(line.sent).toHaveLength(2);
    },
  );

  it("after a failed intent (5101) is sent", async () => {
    let fails = true;
    const line = keyed({ append: () => (fails ? Promise.reject(new Error("ENOSPC")) : Promise.resolve()) });
    expect(seen(await line.add())).toEqual([503, "OCSGW-5101", undefined]);
    fails = false;
    expect(seen(await line.add())).toEqual([200, undefined, undefined]);
    expect(line.sent).toHaveLength(1);
  });

  it("after a failed outcome (5102) gets OCS's answer, and both may be repeated", async () => {
    let appended = 0;
    const line = keyed({ append: () => (++appended === 2 ? Promise.reject(new Error("EIO")) : Promise.resolve()) });
    const first = await line.add();
    expect([...seen(first), header(first, "Repeat")]).toEqual([200, "OCSGW-5102", undefined, "safe"]);
    expect(seen(await line.add())).toEqual([200, undefined, "replayed"]);
    expect(line.sent).toHaveLength(1);
  });

  it("after an internal error stays unknown", async () => {
    const line = keyed({ send: () => Promise.reject(new TypeError("a defect")) });
    expect(seen(await line.add())).toEqual([500, "OCSGW-5900", undefined]);
    expect(seen(await line.add())).toEqual([500, "OCSGW-5900", "replayed"]);
    expect(line.sent).toHaveLength(1);
  });

  it("gets the first reply although its record has ended meanwhile", async () => {
    const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined });
    let isOwned = true;
    const released: (number | undefined)[] = [];
    const lease = {
      withdrawn: () => undefined,
      after: () => undefined,
      release: (status?: number) => void released.push(status),
      isOwned: () => isOwned,
      reason: () => "finished: by another request" as const,
      record: undefined,
    };
    const line = keyed({
      tenants: [aTenant({ records: "pre-dial" })],
      ownership: {
        ownersAmong: (among) => ownership.ownersAmong(among, "15"),
        requestLease: (): LeaseResponse => (isOwned ? { lease } : { denied: { why: "foreign" }, isThrottled: false }),
      },
    });
    const ask = { target: RECORD, body: ON_RECORD };
    await line.add(ask);
    await line.add(ask);
    // The lease of a repeat is given back at once, without a status.
    expect(released).toEqual([200, undefined]);
    isOwned = false;
    expect(seen(await line.add(ask))).toEqual([200, undefined, "replayed"]);
    expect(seen(await line.add({ ...ask, body: ON_RECORD.replace("0100", "0101") }))[1]).toBe("OCSGW-3102");
    expect(seen(await line.add(ask, "new"))[1]).toBe("OCSGW-2106");
    expect(seen(await line.add(ask, ""))[1]).toBe("OCSGW-2106");
    expect(line.sent).toHaveLength(1);
  });
});

describe("keys", () => {
  it("are each client's and each tenant's own", async () => {
    const clients = aTenant().clients;
    const line = keyed({
      tenants: [aTenant({ clients: new Map([...clients, ["ivr", clients.get("alpha")!]]) }), beta()],
    });
    await line.add();
    expect(seen(await line.add({ as: "ivr" }))).toEqual([200, undefined, undefined]);
    const other = { as: "beta", target: "/lists/Beta%20List?req=AddRecord", body: BODY.replace("Alpha", "Beta") };
    expect(seen(await line.add(other))).toEqual([200, undefined, undefined]);
    expect(line.sent).toHaveLength(3);
  });

  it("are claimed only by requests that pass every earlier check", async () => {
    const line = keyed();
    expect(seen(await line.add({ body: BODY.replace("Alpha", "Beta") }))[1]).toBe("OCSGW-2104");
    expect(seen(await line.add({ body: "{" }))[1]).toBe("OCSGW-1003");
    expect(seen(await line.add())).toEqual([200, undefined, undefined]);
  });

  it.each(["", " ", '"', '""', "a b", "k".repeat(256)])("are refused when malformed: %j", async (key) => {
    const line = keyed();
    const reply = await line.add({ headers: [["Idempotency-Key", key]] }, "");
    expect(seen(reply)).toEqual([400, "OCSGW-3103", undefined]);
    expect(line.sent).toEqual([]);
  });

  it("are ignored by other actions, malformed ones too", async () => {
    const line = keyed();
    const ask = { target: "/phones/4155550100?req=DoNotCall", body: "" };
    for (const key of ['"k"', '"k"', '"']) expect(seen(await line.add(ask, key))).toEqual([200, undefined, undefined]);
    expect(line.sent).toHaveLength(3);
  });

  it("make no difference in observe mode", async () => {
    const line = keyed({ tenants: [aTenant({ observes: true })] });
    await line.add();
    expect(seen(await line.add())).toEqual([200, undefined, "replayed"]);
    expect(seen(await line.add({ body: BODY.replace("0100", "0101") }))[1]).toBe("OCSGW-3102");
  });

  it("beyond the bound are refused, and the kept ones are still known", async () => {
    const line = keyed({}, claimer(tableKeys(":memory:", 1)));
    await line.add();
    const full = await line.add({}, "k-2");
    expect([...seen(full), headerOf(full.headers, "Retry-After")]).toEqual([429, "OCSGW-3104", undefined, "3600"]);
    expect(seen(await line.add())).toEqual([200, undefined, "replayed"]);
    expect(seen(await line.add({}, ""))).toEqual([200, undefined, undefined]);
  });

  it("that cannot be stored refuse the request, and requests without one are sent", async () => {
    const line = keyed({}, () => Promise.reject(new KeysUnavailable("no space left on the device")));
    const reply = await line.add();
    expect([...seen(reply), header(reply, "Repeat")]).toEqual([503, "OCSGW-5104", undefined, "safe"]);
    expect(text(reply)).not.toContain("no space left");
    expect(line.journal.at(-1)).toMatchObject({ reason: "keys: no space left on the device" });
    expect(seen(await line.add({}, ""))).toEqual([200, undefined, undefined]);
  });
});
