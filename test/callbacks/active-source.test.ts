import type dns from "node:dns/promises";
import { describe, expect, it, vi } from "vitest";
import { ActiveSource } from "../../src/callbacks/active-source.ts";

/** What a name server says, until it says nothing. */
const known = new Map([
  ["one.example", "10.0.0.1"],
  ["two.example", "10.0.0.2"],
]);
vi.mock(import("node:dns/promises"), async (original) => {
  const real = await original();
  const lookup = ((name: string, options: object) =>
    name.endsWith(".example")
      ? known.has(name)
        ? Promise.resolve([{ address: known.get(name)!, family: 4 }])
        : Promise.reject(new Error("EAI_AGAIN"))
      : real.lookup(name, options)) as typeof dns.lookup;
  return { ...real, lookup };
});

const ONE = "http://127.0.0.1:1001";
const TWO = "http://127.0.0.2:1002";
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const now = (): number => performance.now();

/** Names are looked up in the background. */
const of = async (...origins: string[]): Promise<ActiveSource> => {
  const announcers = new ActiveSource(origins);
  await soon();
  return announcers;
};

describe("an announcement", () => {
  it("is accepted from the active OCS, and rejected from the other one", async () => {
    const announcers = await of(ONE, TWO);
    announcers.onActive(ONE);
    expect(await announcers.speaksForActive("127.0.0.1", now())).toBe(true);
    expect(await announcers.speaksForActive("::ffff:127.0.0.1", now())).toBe(true);
    expect(await announcers.speaksForActive("127.0.0.2", now())).toBe(false);
  });

  it("waits while the gateway searches for the primary, and is accepted from the found one", async () => {
    const announcers = await of(ONE, TWO);
    announcers.onActive(ONE);
    announcers.onLost();
    const fromOld = announcers.speaksForActive("127.0.0.1", now());
    const fromNew = announcers.speaksForActive("127.0.0.2", now());
    await soon();
    announcers.onActive(TWO);
    expect(await fromNew).toBe(true);
    expect(await fromOld).toBe(false);
  });

  it("waits until a takeover is known when the backup sends it", async () => {
    const announcers = await of(ONE, TWO);
    announcers.onActive(ONE);
    const early = announcers.speaksForActive("127.0.0.2", now());
    await soon();
    announcers.onLost();
    announcers.onActive(TWO);
    expect(await early).toBe(true);
  });

  it("is rejected if it arrived before a takeover and both OCS have one address", async () => {
    const announcers = await of("http://127.0.0.1:1001", "http://127.0.0.1:1002");
    announcers.onActive("http://127.0.0.1:1001");
    announcers.onLost();
    const before = announcers.speaksForActive("127.0.0.1", now());
    await soon();
    announcers.onActive("http://127.0.0.1:1002");
    expect(await before).toBe(false);
    expect(await announcers.speaksForActive("127.0.0.1", now())).toBe(true);
  });

  it("is rejected from the other OCS even while no name can be resolved", async () => {
    const announcers = await of("http://one.example:1", "http://two.example:1");
    announcers.onActive("http://one.example:1");
    await soon();
    known.clear();
    announcers.onLost();
    announcers.onActive("http://one.example:1");
    await soon();
    expect(await announcers.speaksForActive("10.0.0.2", now())).toBe(false);
    expect(await announcers.speaksForActive("10.0.0.1", now())).toBe(true);
  });

  it("is accepted from any address if there is no backup", async () => {
    const announcers = await of(ONE);
    announcers.onActive(ONE);
    announcers.onLost();
    const during = announcers.speaksForActive("10.0.0.9", now());
    announcers.onActive(ONE);
    expect(await during).toBe(true);
  });

  it("is accepted from an unknown address, as behind NAT, once the primary is known", async () => {
    const announcers = await of(ONE, "http://name.invalid:1");
    announcers.onActive(ONE);
    expect(await announcers.speaksForActive("10.0.0.9", now())).toBe(true);
  });
});
