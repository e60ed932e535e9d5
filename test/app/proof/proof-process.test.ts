/** The process of a proof: what it gets of the gateway's, and what becomes of it when it fails. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startProofProcess } from "../../../src/app/proof/proof-process.ts";
import type { ProofPlan } from "../../../src/app/proof/plan.ts";

const PLAN = { configHash: "h" } as ProofPlan;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-test-"));
  vi.stubEnv("TMPDIR", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

/** A program in place of the proof's. */
const run = async (lines: string, percents: number[] = []) => {
  const file = join(dir, "program.mjs");
  await writeFile(file, lines);
  const onPercent = (percent: number): void => void percents.push(percent);
  return startProofProcess(PLAN, { otherwise: join(dir, "otherwise"), onPercent, program: pathToFileURL(file) });
};

const left = async (): Promise<string[]> => (await readdir(dir)).filter((name) => name !== "program.mjs");

describe("the process of a proof", () => {
  it("gets the plan and no secret of the environment, and its memory and priority are low", async () => {
    vi.stubEnv("OCSGW_INDEX_KEY", "a secret of the gateway's own");
    const percents: number[] = [];
    const { result } = await run(
      `import { getPriority } from "node:os";
      import { getHeapStatistics } from "node:v8";
      process.once("message", ({ plan }) => {
        process.send({ kind: "progress", percent: 40 });
        const heap = getHeapStatistics().heap_size_limit / 1048576;
        process.send({ kind: "done", report: { plan, heap, priority: getPriority(), env: process.env } });
      });`,
      percents,
    );
    const report = (await result) as unknown as {
      readonly plan: unknown;
      readonly heap: number;
      readonly priority: number;
      readonly env: object;
    };
    expect(report.plan).toEqual(PLAN);
    expect(report.heap).toBeLessThan(600);
    expect(report.priority).toBe(19);
    expect(JSON.stringify(report.env)).not.toContain("secret");
    expect(percents).toEqual([40]);
    await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 10_000 });
  });

  it.each([
    ["throws", 'process.once("message", () => { throw new Error("out of paper"); });', /ended with 1: .*out of paper/s],
    ["says why", 'process.once("message", () => process.send({ kind: "failed", reason: "no port" }));', /^no port$/],
    ["is killed", 'process.once("message", () => process.kill(process.pid, "SIGKILL"));', /was ended by SIGKILL/],
  ])("leaves nothing behind when it %s", async (_how, lines, why) => {
    const { result } = await run(lines);
    const error = await result.then(
      () => undefined,
      (caught: unknown) => caught as Error,
    );
    expect(error?.message).toMatch(why);
    expect(await left()).toEqual([]);
  });

  it.each([
    ["before it has started", () => Promise.resolve()],
    ["as it starts", () => vi.waitFor(async () => expect(await left()).toHaveLength(1), { interval: 1 })],
    ["while it works", () => vi.waitFor(async () => expect(await left()).toContain("started"), { timeout: 10_000 })],
  ])("ends when it is cancelled %s", async (_when, until) => {
    const started = JSON.stringify(join(dir, "started"));
    const { result, cancel } = await run(
      `import { writeFileSync } from "node:fs"; writeFileSync(${started}, ""); setInterval(() => undefined, 1000);`,
    );
    await until();
    await cancel();
    await expect(result).rejects.toThrow("cancelled");
    expect((await left()).filter((name) => name !== "started")).toEqual([]);
  });

  it("uses another folder where that for temporary files cannot be written", async () => {
    vi.stubEnv("TMPDIR", join(dir, "missing"));
    const { result } = await run(
      'process.once("message", ({ folder }) => process.send({ kind: "done", report: folder }));',
    );
    expect(await result).toMatch(/otherwise\/ocsgw-proof-/);
  });
});
