import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { purposeFrom } from "../../../../src/cli/audit/access/purpose.ts";
import { terminalOn } from "../../../../src/cli/audit/output/terminal.ts";

let shown = "";
beforeEach(() => {
  shown = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((shown += String(text))));
});
afterEach(() => vi.restoreAllMocks());

/** A terminal on which a user types these lines and then ends the input. */
const typed =
  (...lines: readonly string[]) =>
  () => {
    const input = new PassThrough();
    for (const line of lines) input.write(`${line}\n`);
    input.end();
    return terminalOn(input, process.stderr);
  };

describe("the purpose of a look-up", () => {
  it("is the given option, without a question", async () => {
    expect(
      await purposeFrom("case 12", () => {
        throw new Error("asked");
      }),
    ).toBe("case 12");
  });

  it("is asked for on a terminal", async () => {
    expect(await purposeFrom(undefined, typed("  complaint 2026-118 "))).toBe("complaint 2026-118");
    expect(shown).toMatch(/^Purpose, for the journal/);
  });

  it("is undefined without a terminal, after an empty line, or if the input ends", async () => {
    expect([
      await purposeFrom(undefined, () => undefined),
      await purposeFrom(undefined, typed("")),
      await purposeFrom(undefined, typed()),
    ]).toEqual([undefined, undefined, undefined]);
  });

  it("is asked for again if it contains a phone number, at most three times", async () => {
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
