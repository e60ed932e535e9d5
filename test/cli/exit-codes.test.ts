import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EXIT_MEANINGS } from "../../src/cli/exit-codes.ts";

describe("exit codes", () => {
  it("are documented with their meanings", () => {
    const page = readFileSync(new URL("../../src/docs/reference/commands.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [code, meaning]);
    expect(rows).toEqual(Object.entries(EXIT_MEANINGS));
  });
});
