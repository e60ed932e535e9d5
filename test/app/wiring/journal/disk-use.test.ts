import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchDiskUse } from "../../../../src/app/wiring/journal/disk-use.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";

let dir: string;
const stops: ShutdownSteps = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-disk-use-"));
});
afterEach(async () => {
  await runShutdown(stops);
  await rm(dir, { recursive: true, force: true });
});

it("measures the disk again when the journal becomes unwritable and when it recovers", async () => {
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
