import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    pool: "forks",
    setupFiles: [new URL("kit/check-admin-replies.ts", import.meta.url).pathname],
    globalSetup: [new URL("console/kit/build-console.ts", import.meta.url).pathname],
    // The machine of the tests may be a container, where other rules hold for key files.
    env: { OCSGW_CONTAINER: "0" },
    // One more than a small machine has cores: most tests wait more than they compute.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A loaded machine takes its time.
    expect: { poll: { timeout: 10_000 } },
    reporters: ["default", new URL("kit/closing-line.ts", import.meta.url).pathname],
  },
});
