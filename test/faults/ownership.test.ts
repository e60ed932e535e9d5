/**
 * The disk under the ownership store fails for real: it is full, it hangs. Nothing is owned that is not on disk, and
 * nobody but OCS's announcements waits.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openOwnershipStore, StoreFailed, type OwnershipRow } from "../../src/ownership/store/store.ts";
import { announce, post, record } from "../kit/announcing.ts";
import { basic, twoTenants } from "../kit/gateway.ts";
import { describeAllowed, programOf } from "../kit/machine.ts";
import { rawOcs } from "../kit/raw-ocs.ts";
import { furnish, runGateway } from "../kit/running-gateway.ts";

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

const row = (handle: number): OwnershipRow => ({
  upstream: "ocs",
  epoch: 1,
  endpoint: "http://one",
  generation: handle,
  highest: handle,
  highestAt: handle - 1,
  handle,
  tenant: 101,
  since: handle,
  campaign: "Alpha Campaign",
  group: "106",
  list: "Alpha List",
  phone: null,
  attempt: `attempt-${handle}`,
});

describeAllowed(canMount, "root that may mount a tmpfs", "the ownership store on a disk that is full", () => {
  it(
    "says of each row whether it is there, and goes on by itself when there is room",
    { timeout: 60_000 },
    async () => {
      const dir = await mkdtemp(join(tmpdir(), "ocsgw-full-"));
      expect(mount(dir, "1m")).toBe(true);
      try {
        const file = join(dir, "ownership.sqlite");
        const store = await openOwnershipStore(file);
        await store.beginEpoch("ocs", 1, "http://one");
        await store.put(row(1));
        const ballast = join(dir, "ballast");
        const { bavail, bsize } = await statfs(dir);
        await writeFile(ballast, Buffer.alloc(bavail * bsize));
        const kept = [1];
        let refused = 0;
        for (let handle = 2; handle < 500 && refused < 5; handle++) {
          await store.put(row(handle)).then(
            () => kept.push(handle),
            (error: unknown) => {
              expect(error).toBeInstanceOf(StoreFailed);
              refused++;
            },
          );
        }
        expect(refused).toBe(5);
        await rm(ballast);
        await store.put(row(1000));
        await store.close();
        const again = await openOwnershipStore(file);
        expect(again.restored.get("ocs")?.owned.map(({ handle }) => handle)).toEqual([...kept, 1000]);
        await again.close();
      } finally {
        unmount(dir);
        await rm(dir, { recursive: true, force: true });
      }
    },
  );
});

const strace = programOf("strace");
/** A container may forbid it. */
const canTrace = strace !== undefined && spawnSync(strace, ["-f", "-qq", "-o", "/dev/null", "true"]).status === 0;
const HANGS_MICROS = 8_000_000;
/** The first that hangs: by then the file is laid out, and the epoch and the first record are there. */
const FLUSHES = 10;
const HANDLES = 12;

describeAllowed(canTrace, "strace that may trace", "the ownership store on a disk that hangs", () => {
  it("lets OCS dial only what is on disk, and holds up no other request", { timeout: 120_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-hang-"));
    const ocs = await rawOcs();
    const config = twoTenants(ocs.url);
    Object.assign(config.upstreams["ocs"] as object, { callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } });
    for (const tenant of config.tenants as { records: string }[]) tenant.records = "pre-dial";
    await furnish(dir, config, ["alpha", "beta"]);
    // The flushes of its write-ahead log.
    const by = [
      strace!,
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-P",
      join(dir, "audit/ownership.sqlite-wal"),
      "-e",
      "trace=fdatasync,fsync",
      "-e",
      `inject=fdatasync,fsync:delay_enter=${HANGS_MICROS}:when=${FLUSHES}+`,
    ];
    const gateway = await runGateway(dir, ["clients", "callbacks:ocs"], by);
    const ask = async (target: string): Promise<string> => {
      const { status, headers } = await post(gateway.urls.get("clients")!, {
        path: target,
        body: "{}",
        headers: { Authorization: basic("alpha"), "Content-Type": "application/json" },
      });
      return `${status} ${(headers["ocsgw-code"] as string | undefined) ?? "ocs"}`;
    };
    try {
      const announcements: Promise<number>[] = [];
      let settled = 0;
      // One after the other each takes a flush; sooner or later one hangs.
      for (let handle = 1; handle <= HANDLES; handle++) {
        announcements.push(
          announce(gateway.urls.get("callbacks:ocs")!, record(handle))
            .then(({ status }) => status)
            .finally(() => settled++),
        );
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      let meanwhile = 0;
      while (settled < HANDLES) {
        expect(await ask("/phones/4155550100?req=DoNotCall")).toBe("200 ocs");
        meanwhile++;
      }
      expect(meanwhile).toBeGreaterThan(3);
      // The last one came while the disk hung.
      const statuses = await Promise.all(announcements);
      expect([statuses[0], statuses.at(-1)]).toEqual([200, 502]);
      for (const [at, status] of statuses.entries()) {
        expect(await ask(`/records/${at + 1}?req=RecordReject`)).toBe(status === 200 ? "200 ocs" : "410 OCSGW-2106");
      }
    } finally {
      await gateway.kill("SIGKILL");
      await ocs.close();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
