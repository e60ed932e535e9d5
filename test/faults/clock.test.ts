/** The machine's clock is set under load: back, forward, to 1970 and to 2038. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWith } from "../kit/machine.ts";
import { besiege } from "./failing-host.ts";

const HOUR = 3_600_000;

/**
 * The wall clock alone, as it is when an administrator sets it: the monotonic one goes on. Spelled as libfaketime reads
 * it.
 */
const spelled = (time: number): string => `@${new Date(time).toISOString().slice(0, 19).replace("T", " ")}`;

describeWith(["faketime"], "a clock that is set under load", (faketime) => {
  it("loses no order and breaks no tree, and each step is an entry", async () => {
    const preload = /LD_PRELOAD=(\S+)/.exec(spawnSync(faketime, ["-f", "+0", "env"]).stdout.toString())![1]!;
    const place = mkdtempSync(join(tmpdir(), "ocsgw-clock-"));
    const file = join(place, "time");
    const set = (time: number): void => writeFileSync(file, spelled(time));
    set(Date.now());
    const env = {
      LD_PRELOAD: preload,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
      TZ: "UTC",
    };
    const times = [Date.now() - HOUR, Date.now() + HOUR, 1000, Date.parse("2038-01-19T03:14:00Z"), Date.now()];
    try {
      await besiege({ seed: 10, process: () => ({ env }) }, async ({ asked, loadUntil, end }) => {
        for (const time of times) {
          const [before, since] = [asked.length, performance.now()];
          expect(await loadUntil(() => asked.filter(({ seen }) => seen?.origin === "ocs").length > before + 20)).toBe(
            true,
          );
          set(time);
          expect(
            await loadUntil(
              () => asked.filter(({ issued, seen }) => issued > since && seen?.origin === "ocs").length > 60,
            ),
          ).toBe(true);
        }
        const { violations, entries } = await end();
        expect(violations).toEqual([]);
        expect(asked.filter(({ seen }) => seen?.origin !== "ocs").length).toBe(0);
        const steps = entries.filter((entry) => entry.kind === "clock");
        expect(steps.map(({ to }) => Date.parse(to)).filter((to, at) => Math.abs(to - times[at]!) > 60_000)).toEqual(
          [],
        );
        expect(steps).toHaveLength(times.length);
        expect(steps.map(({ step_ms }) => Math.sign(step_ms))).toEqual([-1, 1, -1, 1, -1]);
      });
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  }, 120_000);
});
