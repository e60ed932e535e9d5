import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { JobCancelled, JobFailed, JobThread } from "../../../src/journal/jobs/job-thread.ts";
import { createYieldToDisk } from "../../../src/app/wiring/journal/jobs/yield-to-disk.ts";
import { aDirectory, removeDirectory } from "../kit.ts";
import { writeFile } from "node:fs/promises";

const RUN = new URL("../../../src/journal/jobs/run-job.ts", import.meta.url).href;

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const PATIENT = { timeout: 20_000 };

/** A job with this body, of an async function with `asked` and `pace`. */
const aJob = async (body: string, asked?: unknown) => {
  const program = join(dir, `${Math.random()}.mjs`);
  await writeFile(
    program,
    `import { runJob } from ${JSON.stringify(RUN)};\nimport { tmpdir } from "node:os";\n` +
      `import { setTimeout as sleep } from "node:timers/promises";\n` +
      `await runJob(async (asked, pace) => { ${body} });`,
  );
  const progress: number[] = [];
  const temporary = join(dir, "tmp");
  await mkdir(temporary, { recursive: true });
  const thread = new JobThread<unknown, unknown>({
    program: pathToFileURL(program),
    asked,
    temporary,
    onProgress: (entries) => progress.push(entries),
  });
  return { thread, progress, temporary };
};

it("resolves with the result of its job, and reports its progress", async () => {
  const { thread, progress } = await aJob("await pace(7); return asked + 1;", 41);
  expect([await thread.result, progress]).toEqual([42, [7]]);
});

it("rejects with the reason and the class of an error", async () => {
  const { thread } = await aJob(
    "class NotProvable extends Error { name = 'NotProvable' }; throw new NotProvable('why');",
  );
  const error = await thread.result.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(JobFailed);
  expect(error).toMatchObject({ message: "why", kind: "NotProvable" });
});

it.each([
  ["ends without a result", "process.exit(0);"],
  ["needs too much memory", "const all = []; for (;;) all.push(new Array(1e6).fill(all.length));"],
])("rejects when its thread %s", async (_what, body) => {
  const { thread } = await aJob(body);
  await expect(thread.result).rejects.toBeInstanceOf(JobFailed);
});

it("can be cancelled while it computes without a pause", async () => {
  const { thread } = await aJob("for (;;);");
  await thread.cancel();
  await expect(thread.result).rejects.toBeInstanceOf(JobCancelled);
});

it("has its temporary files in a folder of its own", async () => {
  const { thread, temporary } = await aJob("return tmpdir();");
  expect(await thread.result).toBe(temporary);
  expect(process.env["TMPDIR"]).not.toBe(temporary);
  expect(await readdir(temporary)).toEqual([]);
  await rm(temporary, { recursive: true });
});

it("waits while it is paused", async () => {
  const { thread, progress } = await aJob("for (let at = 1; at < 4; at++) { await sleep(250); await pace(at); }");
  await vi.waitFor(() => expect(progress.length).toBeGreaterThan(0), { timeout: 20_000 });
  thread.isPaused = true;
  const first = await Promise.race([
    thread.result.then(() => "ended"),
    new Promise((resolve) => setTimeout(() => resolve("waits"), 1500)),
  ]);
  expect(first).toBe("waits");
  thread.isPaused = false;
  await thread.result;
});

it("is paused while entries wait for the disk, until it has ended", async () => {
  const status = { failed: undefined as string | undefined, lag: 0 };
  const stops: (() => unknown)[] = [];
  const yieldToDisk = createYieldToDisk({ status: () => status as never }, stops as never);
  const paused: boolean[] = [];
  const { promise: result, resolve } = Promise.withResolvers<unknown>();
  const job = {
    result,
    set isPaused(value: boolean) {
      paused.push(value);
    },
  };
  yieldToDisk(job);
  await vi.waitFor(() => expect(paused.at(-1)).toBe(false), PATIENT);
  status.lag = 60;
  await vi.waitFor(() => expect(paused.at(-1)).toBe(true), PATIENT);
  Object.assign(status, { lag: 0, failed: "no space is left on the disk" });
  await vi.waitFor(() => expect(paused.length).toBeGreaterThan(4), PATIENT);
  expect(paused.at(-1)).toBe(true);
  resolve(undefined);
  await result;
  const count = paused.length;
  await new Promise((over) => setTimeout(over, 600));
  expect(paused.length).toBe(count);
  for (const stop of stops) stop();
});
