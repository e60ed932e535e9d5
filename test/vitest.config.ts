import { defineConfig } from "vitest/config";
import LongestFirst from "./kit/longest-first.ts";

// For vitest's workers, their threads and the programs that tests start: without it, each of them strips the types of
// some hundred modules and compiles them, which takes half of its start.
process.env["NODE_COMPILE_CACHE"] ??= new URL("../node_modules/.cache/compiled", import.meta.url).pathname;

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    pool: "forks",
    setupFiles: [new URL("kit/check-admin-replies.ts", import.meta.url).pathname],
    globalSetup: [new URL("console/kit/build-console.ts", import.meta.url).pathname],
    // The machine of the tests may be a container, where other rules hold for key files.
    env: { OCSGW_CONTAINER: "0" },
    // Two more than a small machine has cores: most tests wait more than they compute.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A loaded machine takes its time.
    expect: { poll: { timeout: 10_000 } },
    reporters: ["default", new URL("kit/closing-line.ts", import.meta.url).pathname],
  },
});
