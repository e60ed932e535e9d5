/** The journal when a disk call fails: for every k the k-th call, in three ways. */
import { constants } from "node:fs";
import { readFile, readdir, readlink } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JournalUnavailable } from "../../src/journal/journal.ts";
import { nodeDisk, writeAll, type Disk, type DiskFile } from "../../src/journal/disk.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { verifyJournal } from "../../src/journal/verify/verify.ts";
import { describeIf } from "../kit/machine.ts";
import { aDirectory, aKey, aRefusal, anIntent, openWithCheckpoints, removeDirectory, type Opened } from "./kit.ts";

type Way = "short write" | "ENOSPC" | "EIO";
const key = aKey();

const failure = (code: string): Error => Object.assign(new Error(`${code}: the test's disk fails`), { code });

type Faulty = { readonly disk: Disk; readonly calls: () => number };

/**
 * Fails the k-th call, and from then on each that would change the disk; a short write is one that takes half, once.
 */
const faulty = (k: number, way: Way): Faulty => {
  let calls = 0;
  const call = async <Value>(work: () => Promise<Value>, half?: () => Promise<Value>): Promise<Value> => {
    calls++;
    if (calls < k || (calls > k && way === "short write")) return work();
    if (way === "short write") return half ? half() : work();
    if (calls === k && way === "ENOSPC") await half?.();
    throw failure(way);
  };
  const file = (inner: DiskFile): DiskFile => ({
    write: (bytes, position) =>
      call(
        () => inner.write(bytes, position),
        () => inner.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), position),
      ),
    flush: () => call(inner.flush),
    truncate: (size) => call(() => inner.truncate(size)),
    read: inner.read,
    size: inner.size,
    isAt: inner.isAt,
    close: inner.close,
  });
  const disk: Disk = {
    open: (path, how) => call(async () => file(await nodeDisk.open(path, how))),
    makeDirectory: (path) => call(() => nodeDisk.makeDirectory(path)),
    list: nodeDisk.list,
    modified: nodeDisk.modified,
    remove: nodeDisk.remove,
    rename: (from, to) => call(() => nodeDisk.rename(from, to)),
    syncDirectory: (path) => call(() => nodeDisk.syncDirectory(path)),
  };
  return { disk, calls: () => calls };
};

/**
 * Some waves of entries with checkpoints between them, over several segments. Resolves with the ids that were
 * acknowledged, and whether all went well.
 */
const work = async (dir: string, disk: Disk): Promise<{ acknowledged: string[]; whole: boolean }> => {
  const acknowledged: string[] = [];
  let opened: Opened | undefined;
  try {
    opened = await openWithCheckpoints(dir, key, { disk, segmentBytes: 1500 });
    for (let wave = 0; wave < 3; wave++) {
      opened.journal.note(aRefusal(wave));
      const entries = [0, 1, 2].map((number) => anIntent(10 * wave + number));
      const settled = await Promise.allSettled(entries.map((entry) => opened!.journal.append(entry)));
      for (const [at, { status }] of settled.entries()) if (status === "fulfilled") acknowledged.push(entries[at]!.id);
      if (wave === 1) await opened.checkpoints.write();
    }
    await opened.close();
    return { acknowledged, whole: acknowledged.length === 9 };
  } catch {
    await opened?.journal.close().catch(() => undefined);
    return { acknowledged, whole: false };
  }
};

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

describe.each<Way>(["short write", "ENOSPC", "EIO"])("the journal, when the k-th disk call fails with %s", (way) => {
  it("loses no acknowledged entry, for any k, and verifies after it is opened again", async () => {
    let failures = 0;
    for (let k = 1, { disk, calls } = faulty(k, way); ; { disk, calls } = faulty(++k, way)) {
      const own = `${dir}/${k}`;
      const { acknowledged, whole } = await work(own, disk);
      if (!whole) failures++;
      const again = await openWithCheckpoints(own, key, { segmentBytes: 1500 });
      await again.journal.append(anIntent(99));
      await again.close();
      const entries = await Array.fromAsync(readEntries(own));
      expect(entries.map(({ index }) => index)).toEqual(entries.map((_, at) => at));
      const ids = entries.map((entry) => ("id" in entry ? entry.id : ""));
      for (const id of acknowledged)
        expect(
          ids.filter((other) => other === id),
          `k ${k}`,
        ).toHaveLength(1);
      expect(await verifyJournal(own, { vkey: again.checkpoints.verifierKey }), `k ${k}`).toMatchObject({
        verdict: "ok",
        findings: [],
        uncovered: 0,
        entries: entries.length,
      });
      if (calls() < k) break;
    }
    if (way === "short write") expect(failures).toBe(0);
    else expect(failures).toBeGreaterThan(25);
  });
});

describe("the disk", () => {
  /** What Linux says of the open files under a path: the flags of open(2), octal. */
  const flagsOf = async (path: string): Promise<number[]> => {
    const fds = await readdir("/proc/self/fd");
    const targets = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
    const mine = fds.filter((_, at) => targets[at] === path);
    return Promise.all(
      mine.map(async (fd) =>
        Number.parseInt(/^flags:\s*(\d+)/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!, 8),
      ),
    );
  };

  describeIf(process.platform === "linux", "Linux", "a file opened as durable", () => {
    it("is written through with each call; other files are not", async () => {
      for (const [how, through] of [
        ["durable", true],
        ["create", false],
        ["durable", true],
      ] as const) {
        const file = await nodeDisk.open(`${dir}/${how}`, how);
        const flags = await flagsOf(`${dir}/${how}`);
        expect(flags.map((each) => (each & constants.O_DSYNC) !== 0)).toEqual([through]);
        await file.close();
      }
    });
  });
});

describe("a journal whose disk failed", () => {
  /** A disk that can be made to fail when it writes segments. */
  const failing = (): { disk: Disk; fail: () => void; calls: () => number } => {
    let [isFailing, calls] = [false, 0];
    const failingCall = <Value>(work: () => Promise<Value>): Promise<Value> => {
      calls++;
      return isFailing ? Promise.reject(failure("EIO")) : work();
    };
    const disk: Disk = {
      ...nodeDisk,
      open: async (path, how) => {
        const inner = await nodeDisk.open(path, how);
        return path.endsWith(".jsonl")
          ? {
              ...inner,
              write: (bytes, position) => failingCall(() => inner.write(bytes, position)),
              flush: () => failingCall(inner.flush),
            }
          : inner;
      },
    };
    return {
      disk,
      fail: () => {
        isFailing = true;
      },
      calls: () => calls,
    };
  };

  it("rejects the group and all later entries, with the reason, and does not touch the file again", async () => {
    const { disk, fail, calls } = failing();
    const { journal, checkpoints } = await openWithCheckpoints(dir, key, { disk });
    await journal.append(anIntent(0));
    fail();
    const before = calls();
    const group = [journal.append(anIntent(1)), journal.append(anIntent(2))];
    await new Promise(setImmediate);
    const behind = journal.append(anIntent(3));
    for (const one of [...group, behind]) await expect(one).rejects.toThrow(JournalUnavailable);
    await expect(journal.append(anIntent(4))).rejects.toThrow(
      /cannot be written: the disk reports an input\/output error/,
    );
    journal.note(aRefusal(5));
    await expect(checkpoints.write()).rejects.toThrow(JournalUnavailable);
    expect(journal.status()).toMatchObject({
      size: 1,
      failed: expect.stringContaining("input/output error") as string,
      lost: 1,
    });
    await journal.close();
    expect(calls()).toBe(before + 1);
  });

  it("reports a disk that writes no bytes and returns no error", async () => {
    const stuck: DiskFile = { ...(await nodeDisk.open(`${dir}/stuck`, "create")), write: async () => 0 };
    await expect(writeAll(stuck, Buffer.from("line"), 0)).rejects.toThrow("took 0 of 4 bytes");
    await stuck.close();
  });
});
