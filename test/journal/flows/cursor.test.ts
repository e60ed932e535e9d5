import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Cursors, cursorSecret } from "../../../src/journal/flows/cursor.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const cursors = new Cursors(cursorSecret(privateKey, "gateway.test/main"));
const place = { next: 123_456_789, micros: 1_795_000_000_123_456 };
const cursor = cursors.write(place);

describe("a cursor", () => {
  it.each([place, { next: 0, micros: 0 }, { next: 2 ** 47, micros: Number.MAX_SAFE_INTEGER }])(
    "states a place: %o",
    (each) => {
      expect(cursors.read(cursors.write(each))).toEqual(each);
      // Also after a restart.
      expect(new Cursors(cursorSecret(privateKey, "gateway.test/main")).read(cursors.write(each))).toEqual(each);
    },
  );

  it("shows nothing of the place, and neighbors have nothing in common but the key", () => {
    const next = cursors.write({ ...place, next: place.next + 1 });
    const same = Array.from(cursor).filter((letter, at) => letter === next[at]).length;
    expect(cursor.slice(0, 5)).toBe(next.slice(0, 5));
    expect(same).toBeLessThan(16);
  });

  it.each([
    ["another origin", new Cursors(cursorSecret(privateKey, "gateway.test/other")).write(place), "another"],
    [
      "another key",
      new Cursors(cursorSecret(generateKeyPairSync("ed25519").privateKey, "gateway.test/main")).write(place),
      "another",
    ],
    ["a plain index", "123456789", "invalid"],
    ["nothing", "", "invalid"],
    ["a longer text", `${cursor}A`, "invalid"],
    ["a shorter text", cursor.slice(0, -1), "invalid"],
    ["other letters", `${cursor.slice(0, -1)}=`, "invalid"],
    ["a control character", `${cursor.slice(0, -1)}\u0000`, "invalid"],
    ["very much", cursor.repeat(1000), "invalid"],
  ])("of %s is rejected", (_what, text, fault) => {
    expect(cursors.read(text)).toBe(fault);
  });

  it("is rejected when any of its letters is changed", () => {
    for (let at = 0; at < cursor.length; at++) {
      const letter = cursor[at] === "A" ? "B" : "A";
      expect(["invalid", "another"]).toContain(cursors.read(cursor.slice(0, at) + letter + cursor.slice(at + 1)));
    }
  });
});

describe("a cursor near another one", () => {
  const start = { place, cursor };
  it.each([
    { next: place.next + 1, micros: place.micros + 250 },
    { next: place.next + 5000, micros: place.micros + 3_600_000_000 },
    // The clock was set back.
    { next: place.next + 7, micros: place.micros - 86_400_000_000 },
    { next: place.next, micros: place.micros },
    // An unknown time.
    { next: place.next + 2, micros: 0 },
    { next: place.next - 1, micros: place.micros - 1 },
  ])("states its place: %o", (each) => {
    expect(cursors.read(cursors.near(start, each))).toEqual(each);
    const unknown = { next: 5, micros: 0 };
    expect(cursors.read(cursors.near({ place: unknown, cursor: cursors.write(unknown) }, each))).toEqual(each);
  });

  it.each([".1", ".1.", ".1.1.1", ".-1.1", ".1.1 ", ".A.1", ".1.--1", ".zzzzzzzzzz.1", `.1.-${"z".repeat(10)}`])(
    "is rejected with invalid steps: %s",
    (steps) => {
      expect(cursors.read(cursor + steps)).toBe("invalid");
      expect(cursors.unseal(cursor + steps, { of: "stream", tenants: [101] })).toBe("invalid");
    },
  );

  it("of another journal is known as one", () => {
    const other = new Cursors(cursorSecret(privateKey, "gateway.test/other"));
    expect(other.read(`${cursor}.1.1`)).toBe("another");
  });
});

describe("a sealed cursor", () => {
  const holder = { of: "page", tenants: [102, 101] } as const;
  const sealed = cursors.seal(place, holder);

  it("states a place to its holder only, whatever the order of the tenants", () => {
    expect(cursors.unseal(sealed, holder)).toEqual(place);
    expect(cursors.unseal(sealed, { of: "page", tenants: [101, 102] })).toEqual(place);
    for (const other of [
      { of: "stream", tenants: [101, 102] },
      { of: "page", tenants: [101] },
      { of: "page", tenants: [101, 102, 103] },
      { of: "page", tenants: [] },
      { of: "page", tenants: [101_102] },
    ] as const)
      expect(cursors.unseal(sealed, other)).toBe("invalid");
  });

  it("of a place is never the same twice, and has one length", () => {
    const all = Array.from({ length: 100 }, () => cursors.seal(place, holder));
    expect([new Set(all).size, new Set(all.map(({ length }) => length))]).toEqual([100, new Set([56])]);
  });

  it("is no plain one, and a plain one is not sealed", () => {
    expect([cursors.read(sealed), cursors.unseal(cursor, holder)]).toEqual(["invalid", "invalid"]);
  });
});
