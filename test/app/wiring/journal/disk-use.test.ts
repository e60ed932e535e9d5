import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchDiskUse } from "../../src/assemble/disk-use.ts";
import { undo, type Stops } from "../../src/assemble/stops.ts";

let dir: string;
const stops: Stops = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-disk-use-"));
});
afterEach(async () => {
  await undo(stops);
  await rm(dir, { recursive: true, force: true });
});

it("measures again when the journal cannot be written, and when it can again", async () => {
  let isBroken = false;
  const use = await watchDiskUse(dir, () => isBroken, stops);
  expect(use()?.journal).toBe(0);
  for (const [bytes, broken] of [
    [1000, true],
    [3000, false],
  ] as const) {
    await writeFile(join(dir, "segment"), "x".repeat(bytes));
    isBroken = broken;
    await vi.waitFor(() => expect(use()?.journal).toBe(bytes), { timeout: 10_000 });
  }
});
