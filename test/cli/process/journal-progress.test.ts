import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { counting, journalProgress } from "../../../src/cli/process/journal-progress.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-progress-"));
  await mkdir(join(dir, "segments"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const line = (index: number): string => `{"index":${index},"time":"2026-11-02T08:00:00.000000Z","kind":"stop"}\n`;

const shown = async (): Promise<string> => {
  const written: string[] = [];
  const screen = { isTTY: true, columns: 200, write: (text: string) => written.push(text) };
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  try {
    const { reach } = await journalProgress("verifying", dir, screen);
    clock.mockReturnValue(2000);
    reach(5);
  } finally {
    clock.mockRestore();
  }
  return written.join("");
};

describe("the progress of a journal", () => {
  it("knows the number of entries from the last line", async () => {
    await writeFile(join(dir, "segments/000000000000.jsonl"), Array.from({ length: 4 }, (_, at) => line(at)).join(""));
    await writeFile(
      join(dir, "segments/000000000004.jsonl"),
      Array.from({ length: 6 }, (_, at) => line(4 + at)).join(""),
    );
    expect(await shown()).toContain("50 %");
  });

  it.each([
    ["the journal is empty", async () => undefined],
    ["there is no journal", () => rm(dir, { recursive: true })],
    ["the last line is not an entry", () => writeFile(join(dir, "segments/000000000000.jsonl"), "nothing\n")],
    ["the last segment is a pipe", async () => execFileSync("mkfifo", [join(dir, "segments/000000000000.jsonl")])],
    ["the last segment is a folder", () => mkdir(join(dir, "segments/000000000000.jsonl"))],
  ])("shows only a count when %s", async (_, given) => {
    await given();
    expect(await shown()).toMatch(/verifying {2}5 entries$/);
  });

  it.each([
    { reading: "all entries", most: 3 },
    { reading: "fewer", most: 2 },
  ])("ends after $reading were read", async ({ most }) => {
    const reached: number[] = [];
    let ends = 0;
    const entries = (async function* () {
      for (let index = 0; index < 3; index++) yield { index };
    })();
    for await (const { index } of counting(entries, { reach: (done) => reached.push(done), end: () => ends++ }))
      if (index + 1 === most && most < 3) break;
    expect({ reached, ends }).toEqual({ reached: [0, 1, 2].slice(0, most), ends: 1 });
  });
});
