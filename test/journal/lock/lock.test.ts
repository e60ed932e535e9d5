import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JournalUnavailable, type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { listenForCommands } from "../../../src/journal/command-socket.ts";
import { judgeFileSystem } from "../../../src/journal/lock/file-system.ts";
import { keepsOthersOut } from "../../../src/journal/lock/probe.ts";
import {
  JournalHeld,
  LockUnavailable,
  takeLock,
  tryLock,
  waitForLock,
  writerOf,
  type Lock,
} from "../../../src/journal/lock/lock.ts";
import { paths } from "../../../src/journal/paths.ts";
import { holderProgram, hasNamespaces, lockHolder, OTHER_NAMESPACE, type LockHolder } from "../../kit/lock-holder.ts";
import { describeIf } from "../../kit/machine.ts";
import { anIntent } from "../kit.ts";

let dir: string;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-lock-"));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await rm(dir, { recursive: true, force: true });
});

const ME = { command: "ocsgw test", role: "gateway" } as const;
const take = async (at = dir): Promise<Lock> => {
  const lock = await takeLock(at, ME);
  closing.push(lock.release);
  return lock;
};
const hold = async (options?: Parameters<typeof lockHolder>[1]): Promise<LockHolder> => {
  const holder = await lockHolder(dir, options);
  closing.push(holder.kill);
  expect(holder.said).toBe("held");
  return holder;
};
/** What another process hears that wants the lock. */
const tried = async (options?: Parameters<typeof lockHolder>[1]): Promise<string> => {
  const holder = await lockHolder(dir, options);
  closing.push(holder.kill);
  return holder.said;
};
const open = async (): Promise<Journal> => {
  const journal = await openJournal({ dir, durability: "os" });
  closing.push(() => journal.close().catch(() => undefined));
  return journal;
};

describe("the journal's lock", () => {
  it("is granted once per process, whatever the path, and again after it was released", async () => {
    const other = `${dir}-link`;
    await symlink(dir, other);
    closing.push(() => rm(other));
    const lock = await take();
    for (const path of [dir, other, `${dir}/../${dir.split("/").at(-1)}`])
      await expect(takeLock(path, ME)).rejects.toThrow("open already, by this process itself (ocsgw test, since 20");
    expect(await lock.fault()).toBeUndefined();
    await lock.release();
    await take();
  });

  it("excludes another process while the holder lives, names it, and is free as soon as it is killed", async () => {
    const holder = await hold();
    await expect(take()).rejects.toThrow(`open already, by ocsgw test, pid ${holder.child.pid} on `);
    await expect(take()).rejects.toThrow(JournalHeld);
    expect(await writerOf(dir)).toContain(`pid ${holder.child.pid}`);
    await holder.kill();
    await take();
  });

  it("is free even if the holder was killed and not yet reaped", async () => {
    // The shell starts the holder and becomes a program that never asks.
    const parent = spawn(
      "sh",
      [
        "-c",
        `"$0" --input-type=module-typescript --eval "$1" & echo $!; exec sleep 60`,
        process.execPath,
        holderProgram(dir),
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    closing.push(() => parent.kill("SIGKILL"));
    let said = "";
    parent.stdout.on("data", (chunk) => (said += String(chunk)));
    await expect.poll(() => said, { timeout: 10_000 }).toContain("held");
    await expect(take()).rejects.toThrow(JournalHeld);
    process.kill(Number.parseInt(said, 10), "SIGKILL");
    await expect
      .poll(async () => (await tryLock(dir, ME).catch(() => undefined))?.release().then(() => "free"), {
        timeout: 2000,
      })
      .toBe("free");
  });

  it.each([
    ["reads its file", (path: string) => ["cat", path]],
    ["copies the directory", (_: string, from: string) => ["cp", "-a", from, `${from}-copy`]],
    ["opens its file to write", (path: string) => ["sh", "-c", `: >> "${path}"`]],
    [
      "opens its file with SQLite",
      (path: string) => [
        process.execPath,
        "--eval",
        `try { new (require("node:sqlite").DatabaseSync)(${JSON.stringify(path)}).exec("BEGIN IMMEDIATE") } catch {}`,
      ],
    ],
  ])("is not lost when another process %s", async (_, command) => {
    const lock = await take();
    const [program, ...args] = command(paths(dir).writer, join(dir, "lock"));
    expect(spawnSync(program!, args).status).toBe(0);
    expect(await lock.fault()).toBeUndefined();
    expect(await tried()).toContain("open already");
  });

  it("is a different lock in a copy of the directory", async () => {
    await take();
    // Not in this process: the system would drop the lock.
    expect(spawnSync("cp", ["-a", dir, `${dir}-copy`]).status).toBe(0);
    closing.push(() => rm(`${dir}-copy`, { recursive: true }));
    await take(`${dir}-copy`);
    expect(await tried()).toContain("open already");
  });

  it("leaves, when released, a directory that older versions cannot use as a lock, and no holder's name", async () => {
    await (await take()).release();
    expect((await stat(join(dir, "lock"))).isDirectory()).toBe(true);
    expect(await readdir(join(dir, "lock"))).toEqual(["writer"]);
    // As the version before took its lock: by a link, and else by reading what stands there.
    await expect(readFile(join(dir, "lock"))).rejects.toThrow("EISDIR");
  });

  it("is accessible to its owner only", async () => {
    await take();
    const rights = await Promise.all(
      ["lock", "lock/writer", "lock/holder.json"].map(async (name) => (await stat(join(dir, name))).mode & 0o777),
    );
    expect(rights).toEqual([0o700, 0o600, 0o600]);
  });

  it.each([
    ["an empty name", ""],
    ["a name that is not JSON", "{"],
    [
      "a name with control characters",
      '{"pid":1,"role":"gateway","command":"a\\u001b[2J","host":"h","since":"s","namespace":null}',
    ],
    ["a name that is too long", "x".repeat(10_000)],
  ])("names no holder in its refusal if the holder left %s", async (_, text) => {
    await hold();
    await writeFile(paths(dir).holder, text);
    await expect(take()).rejects.toThrow("by another process, which did not leave its name");
  });

  it("does not block on a FIFO in place of the holder's name", async () => {
    await hold();
    await rm(paths(dir).holder);
    execFileSync("mkfifo", [paths(dir).holder]);
    await expect(take()).rejects.toThrow("by another process, which did not leave its name");
  });

  it("is waited for while a command holds it, and not while a gateway does", async () => {
    const command = await hold({ role: "command" });
    let waited = "";
    const taken = takeLock(dir, { ...ME, patienceMs: 20_000, onWait: (holder) => (waited = holder) });
    await expect.poll(() => waited).toContain(`pid ${command.child.pid}`);
    await command.kill();
    const lock = await taken;
    await lock.release();
    await hold();
    await expect(takeLock(dir, { ...ME, patienceMs: 20_000 })).rejects.toThrow(JournalHeld);
  });

  it("makes a standby wait until it is free, or until the standby is stopped", async () => {
    const holder = await hold();
    const stop = new AbortController();
    const stopped = waitForLock(dir, ME, stop.signal);
    const waiting = waitForLock(dir, ME, new AbortController().signal);
    stop.abort();
    expect(await stopped).toBeUndefined();
    await holder.kill();
    const lock = await waiting;
    expect(await lock?.fault()).toBeUndefined();
    await lock?.release();
  });

  it.skipIf(process.getuid?.() === 0)(
    "names the user who can take it if this process lacks the permission",
    async () => {
      await chmod(dir, 0o500);
      await expect(take()).rejects.toThrow(LockUnavailable);
      await chmod(dir, 0o700);
    },
  );
});

describe("a journal that lost its lock", () => {
  const fails = (journal: Journal, why: string): Promise<void> =>
    expect.poll(() => journal.status().failed ?? "", { timeout: 5000 }).toContain(why);

  it.runIf(process.platform === "linux")(
    "writes nothing more if the system dropped the lock, and does not recover by itself",
    async () => {
      const journal = await open();
      await journal.append(anIntent(0));
      // The kernel drops fcntl locks when the process closes any descriptor of the file.
      await readFile(paths(dir).writer);
      await fails(journal, "the system dropped the lock");
      await new Promise((resolve) => setTimeout(resolve, 500));
      await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
      expect(journal.status().failed).toContain("restart the gateway");
    },
  );

  it.each([
    ["removed", () => rm(join(dir, "lock"), { recursive: true })],
    [
      "replaced",
      async () => {
        await rename(paths(dir).writer, `${paths(dir).writer}.aside`);
        await writeFile(paths(dir).writer, "");
      },
    ],
  ])("writes nothing more if the lock was %s", async (_, harm) => {
    const journal = await open();
    await journal.append(anIntent(0));
    await harm();
    await fails(journal, "removed or replaced");
    await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
  });

  it("is not taken over while its gateway still accepts commands", async () => {
    await open();
    const socket = await listenForCommands(paths(dir).commands, () => Promise.resolve());
    await rm(join(dir, "lock"), { recursive: true });
    expect(await tried()).toContain("open already");
    await socket.close();
    await hold();
  });
});

describeIf(
  hasNamespaces(),
  "unshare, and user namespaces that it may make",
  "in different pid namespaces, where every gateway is pid 1",
  () => {
    it("a second gateway is refused, and the first one's end frees the lock at once", async () => {
      const first = await hold({ by: OTHER_NAMESPACE });
      expect(await tried({ by: OTHER_NAMESPACE })).toMatch(
        /open already, by ocsgw test, pid 1 of another container or pid namespace, host name /,
      );
      await expect(take()).rejects.toThrow("another container or pid namespace");
      await first.kill();
      await expect
        .poll(async () => (await tryLock(dir, ME))?.release().then(() => "free"), { timeout: 2000 })
        .toBe("free");
    });

    it("a gateway of the previous version is seen from outside its namespace", async () => {
      const child = spawn(
        OTHER_NAMESPACE[0],
        [...OTHER_NAMESPACE.slice(1), "sh", "-c", "cat /proc/sys/kernel/random/boot_id /proc/1/stat; exec sleep 60"],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      closing.push(() => child.kill("SIGKILL"));
      let said = "";
      child.stdout.on("data", (chunk) => (said += String(chunk)));
      await expect.poll(() => said.split("\n").length, { timeout: 5000 }).toBe(3);
      const [boot, line] = said.split("\n");
      await writeFile(join(dir, "lock"), `1 ${boot}:${line!.slice(line!.lastIndexOf(")") + 2).split(" ")[19]}\n`);
      await expect(take()).rejects.toThrow(/by process \d+ \(1 in its pid namespace\), of a version before/);
      child.kill("SIGKILL");
      await once(child, "exit");
      await take();
    });
  },
);

describe("the lock file of the previous version", { timeout: 60_000 }, () => {
  const bootId = async (): Promise<string> => (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const ticksOf = async (pid: number): Promise<string> => {
    const line = await readFile(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ")[19]!;
  };
  const leave = async (text: string): Promise<void> => writeFile(join(dir, "lock"), text);

  it.runIf(process.platform === "linux").each([
    ["from another boot", () => Promise.resolve(`${process.ppid} a-boot-long-ago:12\n`)],
    ["of a pid that another process has by now", async () => `${process.ppid} ${await bootId()}:12\n`],
    [
      "of this process's own pid, as pid 1 in a container always is",
      async () => `${process.pid} ${await bootId()}:12\n`,
    ],
    [
      "of this process's own pid and start time",
      async () => `${process.pid} ${await bootId()}:${await ticksOf(process.pid)}\n`,
    ],
    ["of pid 1 that began at another time", async () => `1 ${await bootId()}:7\n`],
    ["without a start time", () => Promise.resolve("12\n")],
    ["that is empty", () => Promise.resolve("")],
  ])("does not block when it is stale: %s", async (_, text) => {
    await leave(await text());
    await take();
    expect((await stat(join(dir, "lock"))).isDirectory()).toBe(true);
    expect(await readdir(dir)).toEqual(["lock"]);
  });

  it.runIf(process.platform === "linux")(
    "blocks while its process lives, and not when that process is dead and not yet reaped",
    async () => {
      const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "inherit"] });
      closing.push(() => parent.kill("SIGKILL"));
      const holder = Number(String((await once(parent.stdout, "data"))[0]));
      await leave(`${holder} ${await bootId()}:${await ticksOf(holder)}\n`);
      await expect(take()).rejects.toThrow(`open already, by process ${holder}, of a version before journal format 2`);
      expect(await writerOf(dir)).toBe(`process ${holder}`);
      process.kill(holder, "SIGKILL");
      await expect.poll(() => readFile(`/proc/${holder}/stat`, "utf8"), { timeout: 5000 }).toContain(") Z ");
      await take();
    },
  );

  it.runIf(process.platform === "linux")(
    "blocks while a gateway that this process cannot see writes the journal",
    async () => {
      await leave(`1 ${await bootId()}:7\n`);
      await mkdir(join(dir, "segments"));
      const timer = setInterval(() => void appendFile(join(dir, "segments/000000000000.jsonl"), "x\n"), 300);
      closing.push(() => clearInterval(timer));
      await expect(take()).rejects.toThrow("a gateway that this process does not see: the journal is being written");
      expect((await stat(join(dir, "lock"))).isFile()).toBe(true);
    },
  );

  it.runIf(process.platform === "linux").each([
    ["", "there are none"],
    ['{"at":"2026-11-22T12:00:00.000Z","journalled":true}\n', "there are some"],
  ])(
    "blocks while a gateway that this process cannot see answers in the revocations file, which held %j before",
    async (before) => {
      await leave(`1 ${await bootId()}:7\n`);
      const file = join(dir, "revocations.jsonl");
      if (before !== "") await writeFile(file, before);
      // As that version takes over what is added to the file.
      const timer = setInterval(async () => {
        const text = await readFile(file, "utf8").catch(() => "");
        if (text.endsWith('"until":null}\n'))
          await appendFile(file, '{"at":"2026-11-22T12:00:01.000Z","journalled":true}\n');
      }, 200);
      closing.push(() => clearInterval(timer));
      await expect(take()).rejects.toThrow("a gateway that this process does not see: it answers");
    },
  );

  it.runIf(process.platform === "linux")("leaves the revocations unchanged if no gateway answers", async () => {
    await leave(`1 ${await bootId()}:7\n`);
    const text = '{"at":"2026-11-22T12:00:00.000Z","kind":"client","id":"alpha","lifted":false,"until":null}\n';
    await writeFile(join(dir, "revocations.jsonl"), text);
    await take();
    expect(await readFile(join(dir, "revocations.jsonl"), "utf8")).toBe(text);
  });
});

describe("file systems", () => {
  it.each([
    ["ext4", 0xef53, undefined, true],
    ["XFS", 0x58465342, undefined, true],
    ["overlayfs", 0x794c7630, undefined, true],
    ["CephFS", 0x00c36400, undefined, true],
    ["NFS", 0x6969, "NFS", false],
    ["CIFS", 0xff534d42, "CIFS", false],
    ["CIFS as a negative number", 0xff534d42 | 0, "CIFS", false],
    ["SMB", 0xfe534d42, "SMB", false],
    ["FUSE, whose locks are of unknown quality", 0x65735546, undefined, false],
    ["an unknown file system", 0x12345678, undefined, false],
  ])("are classified by their number: %s", (_, type, network, isReal) => {
    expect(judgeFileSystem(type)).toEqual({ network, isReal });
  });
});

describe("a lock of unknown quality", () => {
  it("is tried by another process, which fails while it is held and succeeds when it is free", async () => {
    const lock = await take();
    expect(await keepsOthersOut(paths(dir).writer)).toBe(true);
    // The other process has closed the file, and the lock is still ours.
    expect(await lock.fault()).toBeUndefined();
    await lock.release();
    expect(await keepsOthersOut(paths(dir).writer)).toBe(false);
  });

  it("is neither good nor bad if there is no file to lock", async () => {
    expect(await keepsOthersOut(join(dir, "nowhere", "writer"))).toBeUndefined();
  });
});
