/** The two forms of a forwarded entry, for every kind: RFC 5424 as a strict parser reads it, and OCSF by its schema. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Entry, Kind, Recorded } from "../../../src/journal/entry.ts";
import { KINDS } from "../../../src/journal/kinds.ts";
import { journalLineIn } from "../../../src/journal/forward/last-in-file.ts";
import { ocsfEntry, ocsfMissing } from "../../../src/journal/forward/ocsf.ts";
import { rfc5424 } from "../../../src/journal/forward/rfc5424.ts";
import { syslogMessage } from "../../../src/journal/receivers/syslog-message.ts";
import { aRefusal, anIntent, anOutcome } from "../kit.ts";
import { faultsOf } from "./ocsf-schema.ts";
import { parseSyslog } from "./strict-syslog.ts";
import { SD_ID } from "./receiver.ts";

const TENANT = { dbid: 101, name: 'Älpha "Ten]ant\\' };
const intent = { ...anIntent(1), tenant: TENANT };

const ENTRIES: { readonly [Name in Kind]: readonly Extract<Entry, { kind: Name }>[] } = {
  intent: [intent, { ...intent, action: "ReadStatus", identifier: null }],
  outcome: [
    anOutcome(intent.id),
    { ...anOutcome(intent.id), delivery: "sent-no-answer", origin: "gateway", status: 504, code: "OCSGW-4101" },
  ],
  refusal: [aRefusal(1), { ...aRefusal(2), client: null, source: null, tenant: null, detail: 'no "such" key]\n' }],
  replay: [
    {
      kind: "replay",
      id: "01KAPQ7Z8M3VABCDEFGHJKMNPR",
      tenant: TENANT,
      client: "alpha",
      credential: { kind: "key", id: "k1" },
      source: "127.0.0.1",
      listener: "clients",
      resource: "lists",
      identifier: "Alpha List",
      action: "AddRecord",
      first: intent.id,
      status: 200,
      code: null,
      delivery: "answered",
      waits: anOutcome("").waits,
      idempotency_key: `t1:${"0".repeat(64)}`,
    },
  ],
  "in-doubt": [
    {
      kind: "in-doubt",
      id: intent.id,
      intent: 0,
      tenant: TENANT,
      client: "alpha",
      resource: "phones",
      action: "DoNotCall",
      reason: "the gateway ended",
    },
  ],
  flood: [{ kind: "flood", source: "*", client: "*", second: "2026-11-30T00:00:00Z", count: 12 }],
  abandoned: [{ kind: "abandoned", id: intent.id, delivery: "not-sent", waits: anOutcome("").waits }],
  config: [
    { kind: "config", config_hash: "ab", change: "refused", detail: "ocsgw.yaml:1:1: unknown key" },
    { kind: "config", config_hash: "ab", change: "reloaded", user: "ann" },
  ],
  start: [{ kind: "start", format: 2, version: "1.0.0", pid: 7 }],
  stop: [{ kind: "stop", reason: "asked to stop" }],
  gap: [{ kind: "gap", reason: "disk full", from: "2026-11-30T00:00:00Z", to: "2026-11-30T00:00:01Z", lost: 2 }],
  clock: [{ kind: "clock", from: "2026-11-30T00:00:00Z", to: "2026-11-30T00:00:01Z", step_ms: 1000 }],
  deleted: [{ kind: "deleted", from: 0, to: 5, segments: [], youngest: "2026-11-30T00:00:00Z", dnc: {} }],
  "set-aside": [
    {
      kind: "set-aside",
      from: 0,
      to: 5,
      files: [],
      damage: "line 1",
      intact: 4,
      oldest: null,
      youngest: null,
      lost: 0,
      user: "root",
      before: [],
    },
  ],
  "open-dnc": [
    {
      kind: "open-dnc",
      id: intent.id,
      tenant: TENANT,
      client: "alpha",
      body: {},
      state: "refused",
      tries: 2,
      first: "2026-11-30T00:00:00Z",
      last: "2026-11-30T00:00:00Z",
      clients: ["alpha"],
    },
  ],
  switchover: [{ kind: "switchover", upstream: "ocs", from: null, to: "backup", epoch: 2 }],
  access: [
    { kind: "access", user: "ann", operation: "look-up", purpose: "case 7", results: 1, source: "10.0.0.7" },
    { kind: "access", user: "eve", operation: "login", reason: "wrong password" },
  ],
  alarm: [{ kind: "alarm", reason: "a record handle was used by two tenants", tenant: TENANT, upstream: "ocs" }],
};

const recorded = (entry: Entry, index: number): Recorded => ({ ...entry, index, time: "2026-11-30T01:02:03.000456Z" });
const all = Object.values(ENTRIES)
  .flat()
  .map((entry, index) => [entry.kind, recorded(entry, index)] as const);
const lineOf = (entry: Recorded) => ({ entry, text: JSON.stringify(entry) });
const request = { ...intent, identifier: "······0100" };

describe("every kind of entry", () => {
  it("is in the table of this test", () => {
    expect(Object.keys(ENTRIES).toSorted()).toEqual([...KINDS].toSorted());
  });

  it.each(all)("%s is a valid syslog message with its index and its line", (_kind, entry) => {
    const message = rfc5424(32_473, false).entry(lineOf(entry), undefined);
    const { elements, text, time, id } = parseSyslog(Buffer.from(message));
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(entry)));
    expect([time, id]).toEqual([entry.time, entry.kind]);
    expect(elements.get(SD_ID)!.get("index")).toBe(String(entry.index));
  });

  it.each(all)("%s is a valid API Activity of OCSF with its index and its line", (_kind, entry) => {
    const line = ocsfEntry("1.2.3")(lineOf(entry), undefined);
    const event = JSON.parse(line) as { metadata: { sequence: number }; raw_data: string };
    expect(faultsOf(event)).toEqual([]);
    expect(line).not.toContain("\n");
    expect([event.metadata.sequence, event.raw_data]).toEqual([entry.index, JSON.stringify(entry)]);
  });
});

it("an event of OCSF has no character at which a program may end a line", () => {
  const named = "a\u0085<110>1 forged\u2028{\u2029}\u009b\u007f\n";
  const text = JSON.stringify({ index: 1, named });
  const line = ocsfEntry("1")({ entry: recorded({ ...intent, client: named }, 1), text }, undefined);
  expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(line)).toMatchObject({ raw_data: text, actor: { user: { name: named } } });
  expect(journalLineIn(line)).toEqual({ index: 1, text });
});

describe("an outcome with its request", () => {
  const outcome = recorded(anOutcome(intent.id), 3);

  it("names client, action and tenant in both forms", () => {
    const { elements } = parseSyslog(Buffer.from(rfc5424(1, false).entry(lineOf(outcome), request)));
    expect(Object.fromEntries(elements.get("ocsgw@1")!)).toMatchObject({
      kind: "outcome",
      client: "alpha-crm",
      action: "DoNotCall",
      tenant: TENANT.name,
      status: "200",
    });
    const event = JSON.parse(ocsfEntry("1")(lineOf(outcome), request)) as object;
    expect(faultsOf(event)).toEqual([]);
    expect(event).toMatchObject({
      activity_id: 3,
      type_uid: 600303,
      status_id: 1,
      severity_id: 1,
      duration: 3,
      actor: { user: { name: "alpha-crm", type: "Client", credential_uid: "k1" } },
      api: { operation: "DoNotCall", request: { uid: intent.id }, response: { code: 200 } },
      src_endpoint: { ip: "127.0.0.1" },
      resources: [{ type: "phones", uid: "······0100", namespace: TENANT.name }],
      metadata: { correlation_uid: intent.id, tenant_uid: "101", original_time: "2026-11-30T01:02:03.000456Z" },
    });
  });
});

it("gives an unknown client no name that a client could have", () => {
  const refusal = recorded({ ...aRefusal(1), client: null }, 1);
  const event = JSON.parse(ocsfEntry("1")(lineOf(refusal), undefined)) as { actor: unknown };
  expect(event.actor).toEqual({ user: { uid: "-", type_id: 0, type: "Unknown" } });
});

it("writes gap messages that are valid in both forms and have no index", () => {
  const missing = { from: 3, to: 6, reason: "deleted by retention" } as const;
  const { elements, text, severity } = parseSyslog(Buffer.from(rfc5424(32_473, true).missing(missing)));
  expect([text, severity]).toEqual(["journal entries 3 to 5 were not forwarded: deleted by retention", 3]);
  expect(elements.get(SD_ID)!.has("index")).toBe(false);
  const event = JSON.parse(ocsfMissing("1")(missing)) as { metadata: object };
  expect(faultsOf(event)).toEqual([]);
  expect(event.metadata).not.toHaveProperty("sequence");
});

describe("a syslog message", () => {
  it("is parsed to its values, whatever they contain", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (value, said) => {
        const text = JSON.stringify(said.toWellFormed());
        const message = syslogMessage({
          severity: "info",
          time: "2026-11-30T01:02:03.000456Z",
          id: "intent",
          text,
          elements: [{ id: "ocsgw@1", params: [["name", value]] }],
        });
        const parsed = parseSyslog(Buffer.from(message));
        expect(parsed.text).toBe(text);
        const expected = value.toWellFormed().replaceAll(/\p{Cc}/gu, "\uFFFD");
        expect(parsed.elements.get("ocsgw@1")!.get("name")).toBe(expected);
      }),
    );
  });

  it.each([
    ["has no byte order mark when it is US-ASCII", "plain", false],
    ["has one before UTF-8", "schön", true],
  ])("%s", (_name, text, has) => {
    const message = syslogMessage({ severity: "info", time: "2026-11-30T01:02:03Z", id: "x", text });
    expect(Buffer.from(message).includes(Buffer.from([0xef, 0xbb, 0xbf]))).toBe(has);
  });
});
