import { describe, expect, it } from "vitest";
import type { Entry, Intent } from "../../src/journal/entry.ts";
import { kindOf, membersOf, readLine, wordsOf, writeLine } from "../../src/journal/entry-line.ts";
import { KINDS } from "../../src/journal/kinds.ts";
import { readMicros, wallMicros, writeMicros } from "../../src/journal/time.ts";
import { anIntent, anOutcome, aRefusal } from "./kit.ts";

const TIME = "2026-11-22T12:04:31.218123Z";

describe("a line of format 1", () => {
  it.each([
    ["doubt", "in-doubt"],
    ["retired", "deleted"],
    ["intent", "intent"],
    ["constructor", "constructor"],
  ])("with kind %s is read as kind %s, and its other members are unchanged", (word, kind) => {
    const { kind: read, ...rest } = readLine(`{"index":7,"time":"${TIME}","kind":"${word}","id":"A","intent":3}`);
    expect(read).toBe(kind);
    expect(rest).toEqual({ index: 7, time: TIME, id: "A", intent: 3 });
    expect(kindOf(word)).toBe(kind);
  });

  it("can be found by the kind name of its format", () => {
    expect([wordsOf("in-doubt"), wordsOf("deleted"), wordsOf("intent")]).toEqual([
      ["in-doubt", "doubt"],
      ["deleted", "retired"],
      ["intent"],
    ]);
  });
});

describe("a line", () => {
  it("begins with index, time and kind and keeps its members in the order of the contract", () => {
    const line = writeLine(7, TIME, { ...anIntent(1), tokens: { phone: "t1:aa" } });
    expect(line.startsWith(`{"index":7,"time":"${TIME}","kind":"intent","id":"`)).toBe(true);
    expect(Object.keys(JSON.parse(line) as object)).toEqual([
      "index",
      "time",
      "kind",
      "id",
      "tenant",
      "client",
      "credential",
      "source",
      "listener",
      "resource",
      "identifier",
      "action",
      "body",
      "tokens",
      "config_hash",
    ]);
  });

  it("has the same bytes in whatever order its members were given", () => {
    const intent = anIntent(3);
    const reversed = Object.fromEntries(Object.entries(intent).toReversed()) as unknown as Intent;
    expect(Object.keys(reversed)[0]).toBe("config_hash");
    expect(writeLine(0, TIME, reversed)).toBe(writeLine(0, TIME, intent));
    const { kind, ...rest } = anOutcome("x");
    expect(writeLine(0, TIME, { ...rest, kind })).toBe(writeLine(0, TIME, anOutcome("x")));
  });

  it("leaves out undefined members and members that its kind does not have", () => {
    const refusal = { ...aRefusal(1), client: undefined, secret: "x" } as Entry;
    const line = JSON.parse(writeLine(0, TIME, refusal)) as object;
    expect(Object.keys(line)).not.toContain("client");
    expect(Object.keys(line)).not.toContain("secret");
  });

  it("keeps integers beyond 2^53 exact when written and read", () => {
    const line = writeLine(
      0,
      TIME,
      anIntent(0, { BIG: 9_007_199_254_740_993n, DEEP: { MORE: -12_345_678_901_234_567_890n }, SMALL: 7 }),
    );
    expect(line).toContain('"BIG":9007199254740993,"DEEP":{"MORE":-12345678901234567890},"SMALL":7');
    expect((readLine(line) as Intent).body).toEqual({
      BIG: 9_007_199_254_740_993n,
      DEEP: { MORE: -12_345_678_901_234_567_890n },
      SMALL: 7,
    });
  });

  it("stays on one line, whatever its values contain", () => {
    const body = { NAME: 'a\nb\r\u2028\u0000\ud800"\\' };
    const line = writeLine(0, TIME, anIntent(0, body));
    expect(line).not.toMatch(/[\n\r\0]/);
    expect((readLine(Buffer.from(line).toString()) as Intent).body).toEqual(body);
  });
});

describe("the number of a Do-Not-Call", () => {
  it.each(KINDS.filter((kind) => membersOf(kind).includes("dnc_sequence")))("ends a line of kind %s", (kind) => {
    // Recovery and verification read it there.
    expect(membersOf(kind).slice(-2)).toEqual(["dnc_sequence", "dnc"]);
  });
});

describe("the journal's time", () => {
  it.each([
    [0, "1970-01-01T00:00:00.000000Z"],
    [1_795_349_071_218_123, "2026-11-22T12:04:31.218123Z"],
    [1_795_349_071_000_007, "2026-11-22T12:04:31.000007Z"],
  ])("writes %d as %s and reads it back", (micros, text) => {
    expect(writeMicros(micros)).toBe(text);
    expect(readMicros(text)).toBe(micros);
  });

  it.each(["2026-11-22T12:04:31Z", "2026-11-22 12:04:31.218123Z", ""])("does not accept %o", (text) => {
    expect(readMicros(text)).toBeNaN();
  });

  it("stays within the millisecond of the wall clock", () => {
    for (let round = 0; round < 1000; round++) {
      const before = Date.now();
      const micros = wallMicros();
      expect(micros).toBeGreaterThanOrEqual(before * 1000 - 1);
      expect(micros).toBeLessThanOrEqual((Date.now() + 1) * 1000);
    }
  });
});
