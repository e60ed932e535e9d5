import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { putSink, streamSink } from "../../../src/common/log/sink.ts";
import { describeWith } from "../../kit/machine.ts";
import { until } from "../../kit/witness.ts";

const source = new URL("../../../src/common/log/sink.ts", import.meta.url).href;

describe("log lines that stderr does not accept", () => {
  it("are buffered up to a size, then dropped and counted; the count is reported after the rest", async () => {
    const pipe = new PassThrough({ highWaterMark: 10 });
    const reported: number[] = [];
    const sink = streamSink(pipe, { most: 100, caughtUp: (lines) => reported.push(lines) });
    for (let number = 0; number < 30; number++) sink.write(`line ${number + 10}\n`);
    const kept = 30 - sink.dropped();
    expect(sink.dropped()).toBeGreaterThan(10);
    expect(reported).toEqual([]);
    let text = "";
    pipe.on("data", (part: Buffer) => (text += part.toString()));
    await until(() => reported.length > 0);
    expect([reported, text.split("\n").length - 1]).toEqual([[sink.dropped()], kept]);
    expect(text.startsWith("line 10\nline 11\n")).toBe(true);
    sink.write("later\n");
    await until(() => text.endsWith("later\n"));
    expect(reported).toEqual([sink.dropped()]);
  });

  it("are dropped without an error when the reader is gone", async () => {
    const pipe = new PassThrough();
    const sink = streamSink(pipe, { caughtUp: () => undefined });
    const closed = new Promise((resolve) => pipe.once("close", resolve));
    pipe.destroy(new Error("EPIPE"));
    await closed;
    sink.write("line\n");
    expect(sink.dropped()).toBe(1);
  });

  it("are continued on a terminal or file where writing stopped, complete and in order", async () => {
    let room = 7;
    let text = "";
    const reported: number[] = [];
    const put = (bytes: Buffer): number => {
      const taken = Math.min(room, bytes.length);
      text += bytes.subarray(0, taken).toString();
      room -= taken;
      return taken;
    };
    const sink = putSink(put, { most: 40, caughtUp: (lines) => reported.push(lines) });
    for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) sink.write(`line ${number}\n`);
    expect([text, sink.dropped()]).toEqual(["line 1\n", 2]);
    room = 3;
    await until(() => text === "line 1\nlin");
    room = 1000;
    await until(() => reported.length > 0);
    expect([text, reported]).toEqual(["line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n", [2]]);
  });

  it.each([
    ["short", 20, 17],
    ["as long as usual", 250, 17],
    ["longer than a piece", 200_000, 6],
  ])("are written later in pieces, so that requests are served in between: %s lines", async (_, size, most) => {
    let [isOpen, turn, text] = [false, 0, ""];
    const puts: { readonly turn: number; readonly bytes: number }[] = [];
    const sink = putSink(
      (bytes) => {
        if (!isOpen) return 0;
        puts.push({ turn, bytes: bytes.length });
        text += bytes.toString();
        return bytes.length;
      },
      { caughtUp: () => undefined },
    );
    const lines = Array.from(
      { length: Math.floor((1 << 20) / (size + 6)) },
      (_line, number) => `${String(number).padStart(5, "0")}${"x".repeat(size)}\n`,
    );
    for (const line of lines) sink.write(line);
    expect(sink.dropped()).toBe(0);
    isOpen = true;
    const turns = setInterval(() => turn++, 1);
    await until(() => text.length >= lines.join("").length);
    clearInterval(turns);
    expect(text).toBe(lines.join(""));
    expect(puts.length).toBeLessThanOrEqual(most);
    expect(puts.every(({ bytes }) => bytes <= Math.max(64 << 10, size + 6))).toBe(true);
    expect(new Set(puts.map(({ turn: at }) => at)).size).toBeGreaterThan(1);
  });

  it.each([
    ["a full disk", "2>/dev/full", 0],
    ["a closed stderr", "2>&-", 0],
  ])("do not end the process: %s", async (_, redirection, code) => {
    const program = `import { stderrSink } from ${JSON.stringify(source)};
      const sink = stderrSink({ caughtUp: () => undefined });
      for (let n = 0; n < 1000; n++) sink.write("x".repeat(5000) + "\\n");
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(sink.dropped());`;
    const child = spawn("bash", ["-c", `"$0" --input-type=module -e "$1" ${redirection}`, process.execPath, program], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let out = "";
    child.stdout.on("data", (part: Buffer) => (out += part.toString()));
    expect(await once(child, "exit")).toEqual([code, null]);
    expect(Number(out)).toBeGreaterThanOrEqual(redirection.includes("full") ? 700 : 0);
  });
});

describeWith(["python3"], "a terminal that is halted", (python) => {
  it("accepts lines without blocking the writer, and shows them when it continues", async () => {
    const program = `import { stderrSink } from ${JSON.stringify(source)};
      const sink = stderrSink({ caughtUp: (lines) => sink.write("caught up: " + lines + "\\n") });
      for (let n = 0; n < 1000; n++) sink.write("x".repeat(5000) + "\\n");
      console.log(JSON.stringify({ tty: process.stderr.isTTY, dropped: sink.dropped() }));
      setInterval(() => undefined, 1000);`;
    const terminal = `
import os, select, subprocess, sys
ours, theirs = os.openpty()
child = subprocess.Popen([sys.argv[1], "--input-type=module", "-e", sys.argv[2]],
    stdout=subprocess.PIPE, stderr=theirs, start_new_session=True)
print(child.stdout.readline().decode().strip(), flush=True)
end = b""
while b"caught up: " not in end or not end.endswith(b"\\n"):
    if not select.select([ours], [], [], 5)[0]: break
    end = (end + os.read(ours, 65536))[-60:]
print(end.split(b"caught up: ")[-1].decode().strip(), flush=True)
child.kill()
child.wait()`;
    const child = spawn(python!, ["-c", terminal, process.execPath, program], { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (part: Buffer) => (out += part.toString()));
    await once(child, "close");
    const [first = "", second = ""] = out.split("\n");
    const { tty, dropped } = JSON.parse(first) as { tty: boolean; dropped: number };
    expect([tty, dropped > 700, second]).toEqual([true, true, String(dropped)]);
  });
});
