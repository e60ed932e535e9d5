import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { readPassword } from "../../../src/cli/admins/read-password.ts";
import { matchesArgon2id, parseArgon2id } from "../../../src/common/argon2id.ts";
import { ocsgwWith, root } from "../../kit/command.ts";
import { mutated } from "../../settings/kit.ts";

const directory = await mkdtemp(join(tmpdir(), "ocsgw-password-"));
afterAll(() => rm(directory, { recursive: true }));
const config = join(directory, "ocsgw.yaml");
await writeFile(
  config,
  mutated(["admin: { bind: 127.0.0.1:9640 }", "admin: { bind: 127.0.0.1:9640, users: { file: admins.yaml } }"]),
);
const stored = async (name: string): Promise<string> => {
  const text = await readFile(join(directory, "admins.yaml"), "utf8");
  return new RegExp(`name: ${name}\\n(?:.*\\n)*?.*hash: (\\S+)`).exec(text)![1]!;
};

const reading = (text: string | Buffer): Promise<string> => {
  const input = new PassThrough();
  input.end(text);
  return readPassword(input as unknown as NodeJS.ReadStream);
};

describe("a password on standard input", () => {
  it.each([
    ["three yellow ducks\n", "three yellow ducks"],
    ["three yellow ducks\r\n", "three yellow ducks"],
    ["three yellow ducks", "three yellow ducks"],
    ["  blanks are kept \n", "  blanks are kept "],
    ["drei gelbe Enten 🦆\n", "drei gelbe Enten 🦆"],
    ["a\0b\n", "a\0b"],
    ["\ufeffmark\n", "mark"],
    ["mark\ufeff\n", "mark\ufeff"],
    ["", ""],
  ])("is one line: %j", async (text, password) => expect(await reading(text)).toBe(password));

  it.each<readonly [string | Buffer, RegExp]>([
    ["one\ntwo\n", /one line/],
    ["one\n\n", /one line/],
    [Buffer.from([0x66, 0xff, 0x66]), /not UTF-8/],
    ["x".repeat(65_537), /more than 65536 bytes/],
  ])("is refused otherwise: %#", async (text, message) => {
    await expect(reading(text)).rejects.toThrow(message);
    await expect(reading(text)).rejects.toMatchObject({ exit: 2 });
  });

  it("is read by the command", async () => {
    const done = await ocsgwWith(
      "three yellow ducks\n",
      "admins",
      "create",
      "-c",
      config,
      "--name",
      "piped",
      "--role",
      "viewer",
    );
    expect(done).toMatchObject({ code: 0, stdout: "piped (viewer) can log in to the console\n" });
    expect(await matchesArgon2id("three yellow ducks", parseArgon2id(await stored("piped"))!)).toBe(true);
  });
});

/** Runs a command on a terminal of its own, types each answer when it is asked, and prints all that it showed. */
const ON_TERMINAL = `
import os, pty, sys, time, select
answers = sys.argv[1].split("|")
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
end = time.time() + 30
while time.time() < end:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    if answers and (shown.count(b"password: ") + shown.count(b"again: ")) > int(os.environ.get("N", "0")):
        os.environ["N"] = str(int(os.environ.get("N", "0")) + 1)
        time.sleep(0.2)
        os.write(fd, answers.pop(0).encode())
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

const onTerminal = async (name: string, ...typed: readonly string[]): Promise<{ code: number; shown: string }> => {
  const command = [process.execPath, join(root, "src/cli/main.ts"), "admins", "create", "-c", config];
  const args = ["-c", ON_TERMINAL, typed.join("|"), ...command, "--name", name, "--role", "viewer"];
  return promisify(execFile)("python3", args, { timeout: 60_000 }).then(
    ({ stdout }) => ({ code: 0, shown: stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, shown: stdout }),
  );
};

describe.runIf(process.platform === "linux")("a password on a terminal", () => {
  it("is asked twice, can be corrected while it is typed, and is never shown", { timeout: 60_000 }, async () => {
    const { code, shown } = await onTerminal("typed", "three yellow dugs\x7f\x7fcks\r", "three yellow ducks\r");
    expect(shown).toMatch(/New password: \r?\nThe same again: \r?\ntyped \(viewer\) can log in/);
    expect(shown).not.toMatch(/yellow|du[cg]/);
    expect(code).toBe(0);
    expect(await matchesArgon2id("three yellow ducks", parseArgon2id(await stored("typed"))!)).toBe(true);
  });

  it.each([
    ["when the second differs", ["three yellow ducks\r", "three yellow duck\r"], /the two passwords differ/],
    ["on Ctrl-C", ["\x03"], /interrupted; nothing was changed/],
    ["on Ctrl-D", ["\x04"], /no password was given/],
  ])("changes nothing %s", { timeout: 60_000 }, async (_, typed, message) => {
    const { code, shown } = await onTerminal("nobody", ...typed);
    expect(shown).toMatch(message);
    expect(code).toBe(2);
    expect(await readFile(join(directory, "admins.yaml"), "utf8")).not.toContain("nobody");
  });
});
