import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../../", import.meta.url);

/** Starts a thread that never ends, and nothing else. */
const program = (listen: string): string => `
  import { Worker } from "node:worker_threads";
  import { listenInBackground } from "${new URL("src/common/threads/background-worker.ts", ROOT).href}";
  const thread = 'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => undefined)';
  const worker = new Worker(new URL("data:text/javascript," + thread));
  ${listen}`;

/** The exit code and the signal that ended it. */
const endOf = (listen: string) => {
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", program(listen)], { timeout: 5000 });
  return { status: ended.status, signal: ended.signal };
};

describe("a thread in the background", () => {
  it("does not keep the process alive", () => {
    expect(endOf("listenInBackground(worker, () => undefined);")).toEqual({ status: 0, signal: null });
  });

  it("would keep it alive if unref came before the listener", () => {
    const other = 'worker.unref(); worker.on("message", () => undefined);';
    expect(endOf(other)).toEqual({ status: null, signal: "SIGTERM" });
  });

  it("is how all threads are started, but those that the process waits for", () => {
    const starting = globSync("src/**/*.ts", { cwd: ROOT }).filter((file) => {
      const text = readFileSync(new URL(file, ROOT), "utf8");
      return text.includes("new Worker(") && !text.includes("listenInBackground(");
    });
    expect(starting.toSorted()).toEqual([
      "src/app/config/config-thread.ts",
      "src/app/config/tenants-cache-writer.ts",
      "src/idempotency/store/sqlite-keys.ts",
      "src/outbox/store/store.ts",
      "src/ownership/store/store.ts",
    ]);
  });
});
