import type dns from "node:dns/promises";
import { describe, expect, it, vi } from "vitest";
import { Announcers } from "../../src/upstream/announcers.ts";

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
const of = async (...origins: string[]): Promise<Announcers> => {
  const announcers = new Announcers(origins);
  await soon();
  return announcers;
};

describe("an announcement", () => {
  it("counts when it comes from the OCS that requests go to, and not from the other one", async () => {
    const announcers = await of(ONE, TWO);
    announcers.settle(ONE);
    expect(await announcers.speaksForActive("127.0.0.1", now())).toBe(true);
    expect(await announcers.speaksForActive("::ffff:127.0.0.1", now())).toBe(true);
    expect(await announcers.speaksForActive("127.0.0.2", now())).toBe(false);
  });

  it("waits while the primary is looked for, and counts for the one that is found", async () => {
    const announcers = await of(ONE, TWO);
    announcers.settle(ONE);
    announcers.unsettle();
    const fromOld = announcers.speaksForActive("127.0.0.1", now());
    const fromNew = announcers.speaksForActive("127.0.0.2", now());
    await soon();
    announcers.settle(TWO);
    expect(await fromNew).toBe(true);
    expect(await fromOld).toBe(false);
  });

  it("of a backup that has taken over already waits until that is known", async () => {
    const announcers = await of(ONE, TWO);
    announcers.settle(ONE);
    const early = announcers.speaksForActive("127.0.0.2", now());
    await soon();
    announcers.unsettle();
    announcers.settle(TWO);
    expect(await early).toBe(true);
  });

  it("counts for nobody where one address is both, when it came before the change", async () => {
    const announcers = await of("http://127.0.0.1:1001", "http://127.0.0.1:1002");
    announcers.settle("http://127.0.0.1:1001");
    announcers.unsettle();
    const before = announcers.speaksForActive("127.0.0.1", now());
    await soon();
    announcers.settle("http://127.0.0.1:1002");
    expect(await before).toBe(false);
    expect(await announcers.speaksForActive("127.0.0.1", now())).toBe(true);
  });

  it("of the other one counts for nobody also while no name can be looked up", async () => {
    const announcers = await of("http://one.example:1", "http://two.example:1");
    announcers.settle("http://one.example:1");
    await soon();
    known.clear();
    announcers.unsettle();
    announcers.settle("http://one.example:1");
    await soon();
    expect(await announcers.speaksForActive("10.0.0.2", now())).toBe(false);
    expect(await announcers.speaksForActive("10.0.0.1", now())).toBe(true);
  });

  it("of an OCS without a backup is its own, from whatever address", async () => {
    const announcers = await of(ONE);
    announcers.settle(ONE);
    announcers.unsettle();
    const during = announcers.speaksForActive("10.0.0.9", now());
    announcers.settle(ONE);
    expect(await during).toBe(true);
  });

  it("counts from an address that tells nothing, behind a translation of addresses, once the primary is known", async () => {
    const announcers = await of(ONE, "http://name.invalid:1");
    announcers.settle(ONE);
    expect(await announcers.speaksForActive("10.0.0.9", now())).toBe(true);
  });
});
