import { describe, expect, it } from "vitest";
import type { Entry, Flood, Refusal } from "../../../../src/journal/entry.ts";
import { RefusalSampling } from "../../../../src/journal/write/refusal-sampling/refusal-sampling.ts";
import { aRefusal, anIntent } from "../../kit.ts";

const AT = Date.parse("2026-11-22T12:00:00.250Z");

const aGate = (): {
  floods: RefusalSampling;
  noted: Entry[];
  time: { ms: number };
  refuse: (source: string, over?: Partial<Refusal>) => void;
  counted: () => Flood[];
  written: () => Refusal[];
} => {
  const [noted, time]: [Entry[], { ms: number }] = [[], { ms: AT }];
  const floods = new RefusalSampling({
    note: (entry) => noted.push(entry),
    now: () => time.ms,
    steady: () => time.ms - AT,
  });
  return {
    floods,
    noted,
    time,
    refuse: (source, over = {}) => floods.note({ ...aRefusal(noted.length), source, ...over }),
    counted: () => noted.filter((entry) => entry.kind === "flood"),
    written: () => noted.filter((entry) => entry.kind === "refusal"),
  };
};

const sumOf = (counts: readonly Flood[]): number => counts.reduce((sum, { count }) => sum + count, 0);

const RECORD = { tokens: undefined, resource: "records", identifier: "15", upstream: "sales" };

describe("refusals of unknown clients", () => {
  it("are entries up to ten a second from one source; the rest is counted by code in a flood entry afterwards", () => {
    const { refuse, time, counted, written } = aGate();
    for (let number = 0; number < 25; number++)
      refuse("10.0.0.1", number % 2 === 0 ? {} : { code: "OCSGW-1011", status: 400 });
    refuse("10.0.0.2");
    expect(written()).toHaveLength(11);
    expect(counted()).toEqual([]);
    time.ms += 1000;
    refuse("10.0.0.1");
    expect(counted()).toEqual([
      {
        kind: "flood",
        source: "10.0.0.1",
        listener: "clients",
        second: "2026-11-22T12:00:00.000Z",
        seconds: 1,
        count: 15,
        codes: { "OCSGW-2001": 8, "OCSGW-1011": 7 },
        first_id: expect.any(String) as string,
        last_id: expect.any(String) as string,
      },
    ]);
    expect(written()).toHaveLength(12);
  });

  it("cause limited entries per second, from however many sources, and every one of them is counted", () => {
    const { floods, refuse, noted, counted, written } = aGate();
    for (let number = 0; number < 20_000; number++) refuse(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`);
    floods.flush();
    expect(written()).toHaveLength(100);
    expect(counted()).toHaveLength(51);
    expect(counted().at(-1)).toMatchObject({ source: "*", count: 20_000 - 100 - 50 });
    expect(written().length + sumOf(counted())).toBe(20_000);
    expect(Buffer.byteLength(JSON.stringify(noted))).toBeLessThan(60_000);
  });

  it("are written as a count even if no other refusal follows", async () => {
    const noted: Entry[] = [];
    const floods = new RefusalSampling({ note: (entry) => noted.push(entry) });
    for (let number = 0; number < 30; number++) floods.note(aRefusal(number));
    await expect
      .poll(
        () =>
          sumOf(noted.filter((entry) => entry.kind === "flood")) +
          noted.filter(({ kind }) => kind === "refusal").length,
        { timeout: 3000 },
      )
      .toBe(30);
  });
});

const alpha = {
  tenant: { dbid: 101, name: "Alpha" },
  client: "alpha-crm",
  credential: { kind: "basic", id: "k" },
  action: "AddRecord",
  code: "OCSGW-3001",
  status: 429,
};
const beta = { ...alpha, tenant: { dbid: 102, name: "Beta" }, client: "beta-crm" };
const doNotCall = (number: number): Partial<Refusal> => ({
  ...alpha,
  action: "DoNotCall",
  resource: "phones",
  identifier: "······0100",
  tokens: { phone: `t1:${number}` },
});

describe("refusals of a known client", () => {
  it.each<[string, Partial<Refusal>]>([
    ["client", { client: "alpha-crm" }],
    ["credential", { credential: { kind: "basic", id: "k" } }],
    ["tenant", { tenant: { dbid: 101, name: "Alpha" } }],
  ])("are entries, far beyond the limit for unknown clients: by %s", (_what, known) => {
    const { refuse, written, counted, floods } = aGate();
    for (let number = 0; number < 500; number++) refuse("10.0.0.1", known);
    floods.flush();
    expect([written().length, counted()]).toEqual([500, []]);
  });

  it("are counted exactly when the tenant's budget is used up, with the first and the last id", () => {
    const { refuse, written, counted, time, floods } = aGate();
    for (let number = 0; number < 5000; number++)
      refuse("10.0.0.1", {
        ...alpha,
        id: `01R${String(number).padStart(6, "0")}`,
        ...(number % 2 === 0 && { code: "OCSGW-2101" }),
      });
    expect(written()).toHaveLength(1000);
    time.ms += 10_000;
    refuse("10.0.0.1", alpha);
    floods.flush();
    expect(counted()).toEqual([
      {
        kind: "flood",
        source: "10.0.0.1",
        listener: "clients",
        tenant: alpha.tenant,
        client: "alpha-crm",
        second: "2026-11-22T12:00:00.000Z",
        seconds: 10,
        count: 4000,
        codes: { "OCSGW-2101": 2000, "OCSGW-3001": 2000 },
        first_id: "01R001000",
        last_id: "01R004999",
      },
    ]);
    expect(written(), "20 more after ten seconds, of which one is asked for").toHaveLength(1001);
  });

  it("do not use another tenant's budget", () => {
    const { refuse, written } = aGate();
    for (let number = 0; number < 20_000; number++) refuse("10.0.0.1", alpha);
    for (let number = 0; number < 1000; number++) refuse("10.0.0.1", beta);
    expect(written().filter(({ client }) => client === "beta-crm")).toHaveLength(1000);
  });

  it("have their budget again after the flood, however long it was", () => {
    const { refuse, written, time } = aGate();
    for (let number = 0; number < 200_000; number++) refuse("10.0.0.1", alpha);
    time.ms += 500_000;
    const before = written().length;
    for (let number = 0; number < 1500; number++) refuse("10.0.0.1", alpha);
    expect(written().length - before).toBe(1000);
  });

  it("cause a limited amount of entries per hour, from however many clients and addresses, and none is lost", () => {
    const { floods, refuse, noted, counted, written, time } = aGate();
    let asked = 0;
    for (let second = 0; second < 3600; second += 5, time.ms += 5000)
      for (let number = 0; number < 100; number++, asked++)
        refuse(`10.0.0.${number}`, { ...alpha, client: `crm-${asked % 70}` });
    floods.flush();
    expect(written().length + sumOf(counted())).toBe(asked);
    expect(written().length).toBeLessThanOrEqual(1000 + 2 * 3600);
    expect(counted().length).toBeLessThanOrEqual(51 * 360);
    expect(noted.length).toBe(written().length + counted().length);
  });

  it("are counted together by tenant if very many clients exceed the budget", () => {
    const { floods, refuse, counted } = aGate();
    for (let number = 0; number < 3000; number++)
      refuse("10.0.0.1", { ...(number % 2 === 0 ? alpha : beta), client: `crm-${number}` });
    floods.flush();
    const together = counted().filter(({ source }) => source === "*");
    expect(together.map(({ tenant, client }) => [tenant?.dbid, client])).toEqual([
      [101, "*"],
      [102, "*"],
    ]);
  });
});

describe("refused Do-Not-Calls", () => {
  it("of a known client are an entry each, however many there are, while delayed replies keep them few", () => {
    const { floods, written, counted } = aGate();
    const held = Array.from(
      { length: 3000 },
      (_, number) => floods.note({ ...aRefusal(number), ...doNotCall(number) })?.holdMs ?? 0,
    );
    floods.flush();
    expect([written().length, counted()]).toEqual([3000, []]);
    expect(held.slice(0, 1000).every((ms) => ms === 0)).toBe(true);
    expect([held[1000]! > 0, held[1099]! > 4900, held.at(-1)]).toEqual([true, true, 10_000]);
  });

  it("are counted if client, number and minute are the same", () => {
    const { refuse, written, counted, time, floods } = aGate();
    for (let number = 0; number < 40; number++)
      refuse("10.0.0.1", { ...doNotCall(7), id: `01R${String(number).padStart(2, "0")}` });
    refuse("10.0.0.1", doNotCall(8));
    refuse("10.0.0.1", { ...doNotCall(7), client: "alpha-ivr" });
    expect([written().length, counted().length]).toEqual([3, 0]);
    time.ms += 60_000;
    refuse("10.0.0.1", doNotCall(7));
    expect(written()).toHaveLength(4);
    expect(counted()).toEqual([
      {
        kind: "flood",
        source: "10.0.0.1",
        listener: "clients",
        tenant: alpha.tenant,
        client: "alpha-crm",
        action: "DoNotCall",
        resource: "phones",
        identifier: "······0100",
        tokens: { phone: "t1:7" },
        second: "2026-11-22T12:00:00.000Z",
        seconds: 60,
        count: 39,
        codes: { "OCSGW-3001": 39 },
        first_id: "01R01",
        last_id: "01R39",
      },
    ]);
    floods.flush();
  });

  it.each<[string, Partial<Refusal>, Partial<Refusal>]>([
    [
      "two records",
      { resource: "records", identifier: "15", tokens: undefined },
      { resource: "records", identifier: "16", tokens: undefined },
    ],
    [
      "two customers",
      { resource: "customer_ids", tokens: { customer_id: "t1:1" } },
      { resource: "customer_ids", tokens: { customer_id: "t1:2" } },
    ],
    ["a number and a customer of one token", { tokens: { phone: "t1:1" } }, { tokens: { customer_id: "t1:2" } }],
    ["two that name no subject", { tokens: undefined, identifier: null }, { tokens: undefined, identifier: null }],
    ["two tenants", { tenant: alpha.tenant }, { tenant: beta.tenant }],
    ["two tenants of one DBID on two OCS", { upstream: "sales" }, { upstream: "service" }],
    ["a record handle in two epochs", { ...RECORD, epoch: 1 }, { ...RECORD, epoch: 2 }],
  ])("are not counted together: %s", (_what, one, other) => {
    const { refuse, written, counted, floods } = aGate();
    refuse("10.0.0.1", { ...doNotCall(7), ...one });
    refuse("10.0.0.1", { ...doNotCall(7), ...other });
    floods.flush();
    expect([written().length, counted()]).toEqual([2, []]);
  });

  it("of unknown clients are counted like their other refusals, because they can express no wish for a tenant", () => {
    const { refuse, written, counted, floods } = aGate();
    for (let number = 0; number < 30; number++)
      refuse("10.0.0.1", { action: "DoNotCall", tokens: { phone: `t1:${number}` } });
    floods.flush();
    expect([written().length, sumOf(counted())]).toEqual([10, 20]);
  });
});

describe("entries other than refusals", () => {
  it("are always written", () => {
    const { floods, noted } = aGate();
    for (let number = 0; number < 2000; number++) floods.note(anIntent(number));
    expect(noted).toHaveLength(2000);
  });
});
