import { describe, expect, it } from "vitest";
import type { Entry, Flood, Refusal } from "../../src/journal/entry.ts";
import { Floods } from "../../src/journal/floods.ts";
import { aRefusal, anIntent } from "./kit.ts";

const AT = Date.parse("2026-11-22T12:00:00.250Z");

const aGate = (): { floods: Floods; noted: Entry[]; time: { ms: number }; refuse: (source: string, over?: Partial<Refusal>) => void; counted: () => Flood[]; written: () => Refusal[] } => {
  const [noted, time]: [Entry[], { ms: number }] = [[], { ms: AT }];
  const floods = new Floods({ note: (entry) => noted.push(entry), now: () => time.ms });
  return {
    floods, noted, time,
    refuse: (source, over = {}) => floods.note({ ...aRefusal(noted.length), source, ...over }),
    counted: () => noted.filter((entry) => entry.kind === "flood"),
    written: () => noted.filter((entry) => entry.kind === "refusal"),
  };
};

const sumOf = (counts: readonly Flood[]): number => counts.reduce((sum, { count }) => sum + count, 0);

describe("refusals of nobody in particular", () => {
  it("are entries up to ten a second from one source; the rest is counted by code and told when the second is over", () => {
    const { refuse, time, counted, written } = aGate();
    for (let number = 0; number < 25; number++) refuse("10.0.0.1", number % 2 === 0 ? {} : { code: "OCSGW-1011", status: 400 });
    refuse("10.0.0.2");
    expect(written()).toHaveLength(11);
    expect(counted()).toEqual([]);
    time.ms += 1000;
    refuse("10.0.0.1");
    expect(counted()).toEqual([{ kind: "flood", source: "10.0.0.1", listener: "clients", second: "2026-11-22T12:00:00.000Z", count: 15, codes: { "OCSGW-2001": 8, "OCSGW-1011": 7 } }]);
    expect(written()).toHaveLength(12);
  });

  it("write a bounded amount in a second, from however many sources, and every one of them is counted", () => {
    const { floods, refuse, noted, counted, written } = aGate();
    for (let number = 0; number < 20_000; number++) refuse(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`);
    floods.flush();
    expect(written()).toHaveLength(100);
    expect(counted()).toHaveLength(51);
    expect(counted().at(-1)).toMatchObject({ source: "*", count: 20_000 - 100 - 50 });
    expect(written().length + sumOf(counted())).toBe(20_000);
    expect(Buffer.byteLength(JSON.stringify(noted))).toBeLessThan(60_000);
  });

  it("are told by themselves when no other comes", async () => {
    const noted: Entry[] = [];
    const floods = new Floods({ note: (entry) => noted.push(entry) });
    for (let number = 0; number < 30; number++) floods.note(aRefusal(number));
    await expect.poll(() => sumOf(noted.filter((entry) => entry.kind === "flood")) + noted.filter(({ kind }) => kind === "refusal").length, { timeout: 3000 }).toBe(30);
  });
});

describe("what is always an entry", () => {
  it.each<[string, Partial<Refusal>]>([["client", { client: "alpha-crm" }], ["credential", { credential: { kind: "basic", id: "k" } }], ["tenant", { tenant: { dbid: 101, name: "Alpha" } }]])("is a refusal with a known %s", (_what, known) => {
    const { refuse, written, counted, floods } = aGate();
    for (let number = 0; number < 500; number++) refuse("10.0.0.1", known);
    floods.flush();
    expect([written().length, counted()]).toEqual([500, []]);
  });

  it("is whatever is no refusal", () => {
    const { floods, noted } = aGate();
    for (let number = 0; number < 200; number++) floods.note(anIntent(number));
    expect(noted).toHaveLength(200);
  });
});
