import v8 from "node:v8";
import { afterEach, describe, expect, it, vi } from "vitest";
import { run as runGateway } from "../../../src/cli/run.ts";
import { root, run } from "../../kit/command.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Allocates 100 MB, runs a full collection, and prints how far V8 lets the heap grow until the next one. */
const PROGRAM = `
  import { letHeapGrow } from "${root}src/cli/process/heap.ts";
  letHeapGrow();
  globalThis.held = Array.from({ length: 1_000_000 }, (_, at) => ({ at, more: [at] }));
  for (let round = 0; round < 3; round++) gc();
`;

const limitToSize = async (): Promise<number> => {
  const { stdout, stderr } = await run(process.execPath, [
    "--expose-gc",
    "--trace-gc-verbose",
    "--input-type=module",
    "--eval",
    PROGRAM,
  ]);
  const [, size, limit] =
    [...stdout.matchAll(/\[HeapController\] Limit: old size: (\d+) KB, new limit: (\d+) KB/g)].at(-1) ?? [];
  expect(size, stdout + stderr).toBeDefined();
  return Number(limit) / Number(size);
};

describe("the heap", () => {
  it("may grow to three times the live data before the next full collection", async () => {
    // The limit includes the young generation. Without the flag, V8 would let a heap that grew this fast grow to four
    // times.
    const times = await limitToSize();
    expect(times).toBeGreaterThanOrEqual(3);
    expect(times).toBeLessThan(3.8);
  });

  it.each([
    ["may grow once its config is read", `${root}config/ocsgw.yaml`, [["--heap-growing-percent=200"]]],
    ["may not grow if its config is unusable", "nowhere.yaml", []],
  ])("of the gateway %s", async (_what, config, calls) => {
    const flags = vi.spyOn(v8, "setFlagsFromString").mockReturnValue();
    for (const channel of [process.stdout, process.stderr]) vi.spyOn(channel, "write").mockReturnValue(true);
    vi.spyOn(console, "error").mockReturnValue();
    // LISTEN_FDS is invalid, so the command ends before it starts a gateway.
    vi.stubEnv("LISTEN_PID", String(process.pid)).stubEnv("LISTEN_FDS", "many");
    expect(await runGateway({ config })).toBe(3);
    expect(flags.mock.calls).toEqual(calls);
  });
});
