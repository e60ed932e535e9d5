import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { conformance, type ConformanceOptions } from "../../src/cli/conformance/conformance.ts";
import { createControl } from "../../src/cli/conformance/control.ts";
import { rows } from "../../src/cli/conformance/rows.ts";
import type { Result } from "../../src/cli/conformance/run.ts";
import { startSandboxOcs, type SandboxOcs } from "../../src/sandbox/start.ts";

let sandbox: SandboxOcs;
beforeEach(async () => {
  sandbox = await startSandboxOcs();
});
afterEach(async () => {
  await sandbox.close();
});

const examine = async (
  url: string,
  options: ConformanceOptions = {},
): Promise<{ exit: number; rows: Result[]; verdicts: Record<string, number> }> => {
  let text = "";
  const exit = await conformance(url, {
    json: true,
    print: (printed) => {
      text += printed;
    },
    ...options,
  });
  const { rows: results } = JSON.parse(text) as { rows: Result[] };
  const verdicts: Record<string, number> = {};
  for (const { verdict } of results) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  return { exit, rows: results, verdicts };
};
const all = rows().length + 1;

describe("the sandbox", () => {
  it("conforms in every row, over one connection with one request at a time", async () => {
    const outcome = await examine(sandbox.primary.http);
    expect(outcome.rows.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(outcome).toMatchObject({ exit: 0, verdicts: { ok: all } });
    expect(sandbox.counters().primary).toMatchObject({
      connections: { total: 1 },
      requests: rows().length,
      violations: 0,
      maxInFlight: 1,
    });
  });

  it("conforms a second time, but for the handles of the first", async () => {
    await examine(sandbox.primary.http);
    const outcome = await examine(sandbox.primary.http);
    expect(outcome.rows.filter(({ verdict }) => verdict === "FAIL")).toEqual([]);
    expect(outcome.exit).toBe(0);
    const skipped = outcome.rows.filter(({ verdict }) => verdict === "skip");
    expect(skipped.length).toBeGreaterThan(5);
    for (const { request, got, reason } of skipped)
      expect(`${request} ${got} ${reason}`).toMatch(
        /^POST \/records\/(\d+)\?req=\w+ 410\/112 handle \1 was used before/,
      );
  });

  it("conforms in every row again once it is reset", async () => {
    await examine(sandbox.primary.http);
    expect(await examine(sandbox.primary.http, { sandbox: sandbox.control })).toMatchObject({
      exit: 0,
      verdicts: { ok: all },
    });
  });

  it("conforms over HTTPS", async () => {
    const folder = await mkdtemp(join(tmpdir(), "conformance-"));
    try {
      const ca = join(folder, "ca.pem");
      await writeFile(ca, sandbox.ca!);
      expect(await examine(sandbox.primary.https, { ca })).toMatchObject({ exit: 0, verdicts: { ok: all } });
      expect(await conformance(sandbox.primary.https, { complain: () => undefined })).toBe(5);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("opens records of Alpha List, one at a time", async () => {
    const { openHandle } = createControl(sandbox.control);
    const [first, second] = [await openHandle(), await openHandle()];
    expect(Number(first)).toBeGreaterThan(30);
    expect(second).not.toBe(first);
  });
});
