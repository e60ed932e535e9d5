/**
 * The disk fails for real under load: it is full, it fails a write, it hangs. Nothing acknowledged is lost, nothing is
 * sent without an intent.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeAllowed, programOf } from "../kit/machine.ts";
import type { Asked } from "./client.ts";
import { besiege } from "./failing-host.ts";

const mount = (place: string, size: string): boolean =>
  spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", place]).status === 0;
const unmount = (place: string): void => void spawnSync("umount", ["--lazy", place]);

/** Root in a container may still not mount. */
const canMount = ((): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const place = mkdtempSync(join(tmpdir(), "ocsgw-mount-"));
  const can = mount(place, "64k");
  if (can) unmount(place);
  rmdirSync(place);
  return can;
})();

const refusedFor = (asked: readonly Asked[], reason: RegExp): Asked[] =>
  asked.filter(({ seen }) => seen?.code === "OCSGW-5101" && reason.test(seen.body));
const answersSince = (asked: readonly Asked[], since: number): number =>
  asked.filter(({ issued, seen }) => issued > since && seen?.origin === "ocs" && seen.code === undefined).length;

describeAllowed(canMount, "root that may mount a tmpfs", "a disk that is full", () => {
  it("refuses with the reason, sends nothing without an intent, and serves again once there is room", async () => {
    let ballast = "";
    const prepare = async (audit: string): Promise<() => void> => {
      mkdirSync(audit);
      if (!mount(audit, "2m")) throw new Error("the tmpfs could not be mounted");
      ballast = join(audit, "ballast");
      const { bavail, bsize } = await statfs(audit);
      await writeFile(ballast, Buffer.alloc(bavail * bsize - 160_000));
      return () => unmount(audit);
    };
    await besiege({ seed: 7, prepare }, async ({ asked, loadUntil, end, gateway }) => {
      expect(await loadUntil(() => refusedFor(asked, /no space is left on the disk/).length > 50)).toBe(true);
      expect(answersSince(asked, 0)).toBeGreaterThan(20);
      const freed = performance.now();
      await rm(ballast);
      expect(await loadUntil(() => answersSince(asked, freed) > 20)).toBe(true);
      const { violations, entries } = await end();
      expect(violations).toEqual([]);
      expect(entries).toContainEqual(
        expect.objectContaining({
          kind: "gap",
          reason: "the journal could not be written: no space is left on the disk",
        }),
      );
      expect(gateway.log()).toContain(
        '"event":"journalUnavailable","reason":"no space is left on the disk",' +
          '"msg":"The journal cannot be written: no space',
      );
      expect(gateway.log()).toContain('"event":"journalRecovered"');
    });
  }, 60_000);
});

const strace = programOf("strace");
/** A container may forbid it. */
const canTrace = strace !== undefined && spawnSync(strace, ["-f", "-qq", "-o", "/dev/null", "true"]).status === 0;

/** One thread of the pool, because strace counts the calls of each thread by itself. */
const traced =
  (inject: string) =>
  (audit: string): { by: string[]; env: NodeJS.ProcessEnv } => ({
    by: [
      strace!,
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-P",
      join(audit, "segments/000000000000.jsonl"),
      "-e",
      "trace=pwrite64",
      "-e",
      `inject=pwrite64:${inject}`,
    ],
    env: { UV_THREADPOOL_SIZE: "1" },
  });

describeAllowed(canTrace, "strace, and a machine that lets it trace", "a disk that", () => {
  it("fails a write, and then the first tries to go on", async () => {
    await besiege({ seed: 8, process: traced("error=EIO:when=15..18") }, async ({ asked, loadUntil, end }) => {
      expect(await loadUntil(() => refusedFor(asked, /the disk reports an input\/output error/).length > 5)).toBe(true);
      const failed = performance.now();
      expect(await loadUntil(() => answersSince(asked, failed) > 20)).toBe(true);
      const { violations, entries } = await end();
      expect(violations).toEqual([]);
      expect(entries).toContainEqual(
        expect.objectContaining({
          kind: "gap",
          reason: "the journal could not be written: the disk reports an input/output error",
        }),
      );
    });
  }, 60_000);

  it("does not answer for longer than it may", async () => {
    await besiege(
      { seed: 9, audit: { disk_timeout: "300ms" }, process: traced("delay_enter=1500000:when=15") },
      async ({ asked, loadUntil, end }) => {
        expect(await loadUntil(() => refusedFor(asked, /no answer from the disk for 300 ms/).length > 5)).toBe(true);
        const failed = performance.now();
        expect(await loadUntil(() => answersSince(asked, failed) > 20)).toBe(true);
        const { violations, entries } = await end();
        expect(violations).toEqual([]);
        expect(entries.some((entry) => entry.kind === "gap" && entry.reason.includes("no answer from the disk"))).toBe(
          true,
        );
      },
    );
  }, 60_000);
});
