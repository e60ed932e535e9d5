import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { purposeFrom } from "../../../src/cli/audit/purpose.ts";
import { terminalOn } from "../../../src/cli/audit/terminal.ts";

let shown = "";
beforeEach(() => {
  shown = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((shown += String(text))));
});
afterEach(() => vi.restoreAllMocks());

/** A terminal on which these lines are typed, and then the input ends. */
const typed =
  (...lines: readonly string[]) =>
  () => {
    const input = new PassThrough();
    for (const line of lines) input.write(`${line}\n`);
    input.end();
    return terminalOn(input, process.stderr);
  };

describe("the purpose of a look-up", () => {
  it("is what was given, and then nothing is asked", async () => {
    expect(
      await purposeFrom("case 12", () => {
        throw new Error("asked");
      }),
    ).toBe("case 12");
  });

  it("is asked for on a terminal", async () => {
    expect(await purposeFrom(undefined, typed("  complaint 2026-118 "))).toBe("complaint 2026-118");
    expect(shown).toMatch(/^purpose, for the journal/);
  });

  it("is none where nobody sits, or nothing is typed, or the input ends", async () => {
    expect([
      await purposeFrom(undefined, () => undefined),
      await purposeFrom(undefined, typed("")),
      await purposeFrom(undefined, typed()),
    ]).toEqual([undefined, undefined, undefined]);
  });

  it("is asked for again when it would put a number into the journal, and not for ever", async () => {
    expect(await purposeFrom(undefined, typed("call 415-555-0100", "complaint 7"))).toBe("complaint 7");
    expect(shown).toContain("phone number");
    await expect(purposeFrom(undefined, typed("4155550100", "4155550100", "4155550100", "case 1"))).rejects.toThrow(
      RangeError,
    );
  });

  it.each(["", "call 415-555-0100", "two\nlines"])("cannot be %j", async (purpose) => {
    await expect(purposeFrom(purpose)).rejects.toThrow(RangeError);
  });
});
