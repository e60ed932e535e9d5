import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  hashOfBytes,
  readBytesNow,
  readSmallFile,
  readTextNow,
  withoutHanging,
} from "../../../src/common/small-file/small-file.ts";
import { reason } from "../../../src/common/system-error.ts";
import { describeAllowed, programOf } from "../../kit/machine.ts";

const source = new URL("../../../src/common/small-file/small-file.ts", import.meta.url).href;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-small-file-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("reading a file of an operator", () => {
  const socket = createServer();
  beforeAll(async () => {
    await writeFile(join(dir, "text"), "grüße\n");
    await symlink(join(dir, "text"), join(dir, "link"));
    await mkdir(join(dir, "folder"));
    execFileSync("mkfifo", [join(dir, "fifo")]);
    await writeFile(join(dir, "large"), "");
    await truncate(join(dir, "large"), 10 * 2 ** 30);
    await once(socket.listen(join(dir, "socket")), "listening");
    await symlink("loop", join(dir, "loop"));
  });
  afterAll(() => new Promise((resolve) => socket.close(resolve)));

  it("returns a regular file's text, also through a link, synchronously and asynchronously", async () => {
    for (const name of ["text", "link"]) {
      expect(readTextNow(join(dir, name))).toBe("grüße\n");
      expect(await readSmallFile(join(dir, name))).toBe("grüße\n");
    }
    expect(readBytesNow(join(dir, "text"))).toEqual(Buffer.from("grüße\n"));
  });

  it.each([0, 1, 64 << 10, 256 << 10, (1 << 20) + 1])(
    "returns the hash of %i bytes without loading them at once",
    async (size) => {
      const bytes = Buffer.alloc(size, "0123456789");
      await writeFile(join(dir, "hashed"), bytes);
      expect(await hashOfBytes(join(dir, "hashed"))).toBe(createHash("sha256").update(bytes).digest("hex"));
    },
  );

  it.each([
    ["a FIFO without a writer", "fifo", "it is a FIFO and not a regular file"],
    ["a directory", "folder", "it is a directory"],
    ["a socket", "socket", "it is a socket, a FIFO without a reader, or a device without a driver"],
    ["an endless device", "/dev/zero", "it is a device and not a regular file"],
    [
      "a terminal",
      "/dev/tty",
      /^it is (a device and not a regular file|a socket, a FIFO .*, or a device without a driver)$/,
    ],
    ["a file of 10 GiB", "large", "it has 10 GiB; at most 64 MiB are read"],
    [
      "a file that grows while it is read, as those of /proc without a size",
      "/proc/kallsyms",
      /^it grows while it is read; at most 1 KiB are read$/,
    ],
    ["a loop of links", "loop", "its symbolic links form a loop"],
    ["a file that does not exist", "none", "there is no such file"],
    ["a file below a file", "text/below", "part of the path is not a directory"],
  ])("refuses %s quickly, with a reason", async (_, name, says) => {
    const path = name.startsWith("/") ? name : join(dir, name);
    const most = name === "/proc/kallsyms" ? ([1024] as const) : ([] as const);
    const expected = typeof says === "string" ? says : (expect.stringMatching(says) as string);
    expect(reason(await readSmallFile(path, ...most).catch((error: unknown) => error))).toEqual(expected);
    expect(reason(await hashOfBytes(path, ...most).catch((error: unknown) => error))).toEqual(expected);
    expect(
      (() => {
        try {
          return readTextNow(path, ...most);
        } catch (error) {
          return reason(error);
        }
      })(),
    ).toEqual(expected);
  });

  it("blocks at most two threads with files that do not answer, and names these files", async () => {
    const { promise: stuck, resolve: answer } = Promise.withResolvers<string>();
    for (const name of ["one", "two"]) {
      await expect(withoutHanging(name, () => stuck, 20)).rejects.toThrow(
        /^(one|two) is not read: the file system does not answer within 0\.02 s: is a network mount unreachable\?$/,
      );
    }
    let asked = 0;
    const ask = (): Promise<string> => Promise.resolve(`asked ${++asked}`);
    await expect(withoutHanging("one", ask)).rejects.toThrow(
      "one is not read: the file system still does not answer: is a network mount unreachable?",
    );
    await expect(withoutHanging("three", ask)).rejects.toThrow(
      "three is not read: the file system does not answer for one and two",
    );
    answer("");
    await new Promise(setImmediate);
    expect([await withoutHanging("one", ask), await withoutHanging("three", ask)]).toEqual(["asked 1", "asked 2"]);
  });
});

const strace = programOf("strace");

describeAllowed(
  strace !== undefined && spawnSync(strace, ["-qq", "-o", "/dev/null", "true"]).status === 0,
  "strace, and to be allowed to trace",
  "a file system that does not answer",
  () => {
    it("fails within seconds, and delays nothing else", async () => {
      const path = join(dir, "remote");
      await writeFile(path, "late");
      const program = `
      const { readSmallFile } = await import(${JSON.stringify(source)});
      let turns = 0;
      const turning = setInterval(() => turns++, 10);
      const before = performance.now();
      const said = await readSmallFile(${JSON.stringify(path)}).catch(({ message }) => message);
      clearInterval(turning);
      console.log(JSON.stringify({ said, turns, ms: performance.now() - before }));
      process.exit(0);`;
      const traced = spawn(
        strace!,
        [
          "-f",
          "-qq",
          "-o",
          "/dev/null",
          "-P",
          path,
          "-e",
          "trace=openat,open",
          "-e",
          "inject=openat,open:delay_enter=9000000",
          process.execPath,
          "--input-type=module",
          "-e",
          program,
        ],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      let text = "";
      traced.stdout.on("data", (part: Buffer) => {
        text += part.toString();
        if (text.includes("\n")) traced.kill("SIGKILL");
      });
      await once(traced, "close");
      const { said, turns } = JSON.parse(text) as { said: string; turns: number };
      expect(said).toBe(
        `${path} is not read: the file system does not answer within 5 s: is a network mount unreachable?`,
      );
      expect(turns).toBeGreaterThan(100);
    });
  },
);
