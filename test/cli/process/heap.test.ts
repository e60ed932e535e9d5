import v8 from "node:v8";
import { afterEach, describe, expect, it, vi } from "vitest";
import { serve } from "../../src/cli/serve.ts";
import { root, run } from "../kit/command.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Holds 100 MB, has everything collected, and lets V8 say how far the heap may grow until the next time. */
const PROGRAM = `
  import { letHeapGrow } from "${root}src/cli/heap.ts";
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
  it("may grow to three times what is alive before everything is collected again", async () => {
    // And by its young part. A heap that has grown as fast as this one V8 would let grow to four times by itself.
    const times = await limitToSize();
    expect(times).toBeGreaterThanOrEqual(3);
    expect(times).toBeLessThan(3.8);
  });

  it.each([
    ["is let grow once its config is read", `${root}config/ocsgw.yaml`, [["--heap-growing-percent=200"]]],
    ["is not let grow for a config that cannot be used", "nowhere.yaml", []],
  ])("of the gateway %s", async (_what, config, calls) => {
    const flags = vi.spyOn(v8, "setFlagsFromString").mockReturnValue();
    for (const channel of [process.stdout, process.stderr]) vi.spyOn(channel, "write").mockReturnValue(true);
    vi.spyOn(console, "error").mockReturnValue();
    // Sockets that nobody has passed end it before it starts.
    vi.stubEnv("LISTEN_PID", String(process.pid)).stubEnv("LISTEN_FDS", "many");
    expect(await serve({ config })).toBe(3);
    expect(flags.mock.calls).toEqual(calls);
  });
});
