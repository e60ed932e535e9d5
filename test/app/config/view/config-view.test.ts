/** Questions about the config while it, or what it names, changes. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigUnavailable } from "../../../../src/admin/api/config.ts";
import { readFirst } from "../../../../src/app/config/config-thread.ts";
import type { Reading } from "../../../../src/app/config/reading.ts";
import { createConfigView, type ConfigView } from "../../../../src/app/config/view/config-view.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";
import { aConfigured, twoTenants } from "../../../kit/gateway.ts";

const ROWS = { find: "ocs.connections", section: undefined, after: 0, limit: 10 };

describe("the view of the config", () => {
  let dir: string;
  let file: string;
  let reading: Reading;
  let socketProblem: string | undefined;
  let view: ConfigView;
  let stops: ShutdownSteps;

  const readNow = async (): Promise<Reading> => {
    const read = await readFirst({ file });
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read;
  };
  const change = async (from: string, to: string): Promise<void> =>
    writeFile(file, (await readFile(file, "utf8")).replace(from, to));

  beforeEach(async () => {
    dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"]);
    file = join(dir, "ocsgw.yaml");
    reading = await readNow();
    [socketProblem, stops] = [undefined, []];
    view = createConfigView(
      { file, dir: join(dir, "audit"), reading: () => reading, problemWith: () => socketProblem },
      stops,
    );
  });
  afterEach(async () => {
    await runShutdown(stops);
    await rm(dir, { recursive: true });
  });

  it("shows what is in force, whatever is on disk", async () => {
    await writeFile(file, "tenants: [");
    expect((await view.rows(ROWS)).rows).toMatchObject([{ key: "upstreams.ocs.connections", value: "4" }]);
    expect(await view.check()).toMatchObject({ valid: false, same: false, problems: [{ code: "OCSGW-6002" }] });
    await rm(file);
    expect(await view.check()).toMatchObject({ valid: false, hash: "", problems: [{ code: "OCSGW-6001" }] });
  });

  it("says when the text in force is not at hand, instead of showing another one", async () => {
    reading = { ...reading, kept: undefined };
    expect((await view.rows(ROWS)).rows).toHaveLength(1);
    await change("dbid: 101", "dbid: 103");
    reading = { ...reading, hash: "0".repeat(64) };
    await expect(view.rows(ROWS)).rejects.toThrow(ConfigUnavailable);
    await expect(view.rows(ROWS)).rejects.toThrow("the file on disk is another one now");
  });

  it("names a change that a reload refuses because systemd holds a socket", async () => {
    await change("dbid: 101", "dbid: 103");
    socketProblem = "systemd holds the socket of the listener clients";
    expect(await view.check()).toMatchObject({
      valid: true,
      changes: [expect.stringMatching(/tenant Alpha Tenant \(103\) added/), expect.stringMatching(/\(101\) removed/)],
      restart: [{ code: "OCSGW-6282", message: expect.stringContaining(socketProblem) }],
    });
  });

  it("keeps a snapshot of each config in force, also if the next one comes at once", async () => {
    const first = reading;
    view.keep();
    await change("dbid: 101", "dbid: 103");
    reading = await readNow();
    view.keep();
    reading = first;
    const second = (await readNow()).hash;
    await vi.waitFor(async () => expect(await view.snapshots()).toEqual(new Set([first.hash, second])), {
      timeout: 10_000,
    });
    expect(await view.differences(first.hash, second)).toEqual({
      changes: [
        expect.stringMatching(/tenant Alpha Tenant \(103\) added/),
        expect.stringMatching(/tenant Alpha Tenant \(101\) removed/),
      ],
      missing: [],
    });
  });

  it("keeps a snapshot of a large config on its thread", async () => {
    const lists = Array.from({ length: 5000 }, (_, number) => `Alpha List ${number}`);
    await change("      - Alpha List\n", lists.map((name) => `      - ${name}\n`).join(""));
    reading = await readNow();
    expect(reading.kept!.bytes).toBeGreaterThan(64 * 1024);
    view.keep();
    await vi.waitFor(async () => expect(await view.snapshots()).toEqual(new Set([reading.hash])), { timeout: 10_000 });
    expect(await view.differences(reading.hash, reading.hash)).toEqual({ changes: [], missing: [] });
  });

  it("answers several at once, refuses too many, and none after the stop", async () => {
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => view.rows(ROWS)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(8);
    const asked = view.check();
    const stopped = expect(asked).rejects.toThrow("the gateway is stopping");
    await runShutdown(stops.splice(0));
    await stopped;
    await expect(view.rows(ROWS)).rejects.toThrow("the gateway is stopping");
  });
});
