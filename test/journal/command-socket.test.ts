import { once } from "node:events";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  askGateway,
  CommandFailed,
  isListening,
  listenForCommands,
  shortPath,
  WrongCommand,
  type Command,
} from "../../src/journal/command-socket.ts";

let dir: string;
let path: string;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-socket-"));
  path = join(dir, "commands.sock");
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await rm(dir, { recursive: true, force: true });
});

const listen = async (
  answer: (command: Command) => Promise<unknown> = ({ name, body }) => Promise.resolve({ name, body }),
  at = path,
): Promise<() => Promise<void>> => {
  const { close } = await listenForCommands(at, answer);
  closing.push(close);
  return close;
};
const say = async (text: string): Promise<string> => {
  const socket = connect(path).on("error", () => undefined);
  let heard = "";
  socket.on("data", (part) => (heard += String(part)));
  socket.end(text);
  await new Promise((resolve) => socket.once("close", resolve));
  return heard;
};

describe("the gateway's socket for commands", () => {
  it("is accessible to its owner only, and is removed when it is closed", async () => {
    const close = await listen();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await close();
    await expect(stat(path)).rejects.toThrow("ENOENT");
    expect(await askGateway(path, { name: "x", body: {} })).toBeUndefined();
    expect(await isListening(path)).toBe(false);
  });

  it("returns an answer unchanged, with integers beyond 2^53 and texts of any length", async () => {
    await listen();
    const body = { number: 12345678901234567890n, text: `é\n${"x".repeat(500_000)}`, nothing: null };
    expect(await askGateway(path, { name: "x", body })).toEqual({ answer: { name: "x", body } });
  });

  it("tells an invalid question from a failed one", async () => {
    await listen(({ name }) =>
      Promise.reject(name === "wrong" ? new WrongCommand("not so") : new Error("the disk is full")),
    );
    await expect(askGateway(path, { name: "wrong", body: {} })).rejects.toThrow(new WrongCommand("not so"));
    await expect(askGateway(path, { name: "other", body: {} })).rejects.toThrow(new CommandFailed("the disk is full"));
  });

  it.each([
    ["text that is not JSON", "hello\n", '{"wrong":"expected a line of JSON"}\n'],
    ["JSON without a command", "{}\n", '{"wrong":"expected the name of a command"}\n'],
    ["a line that never ends", "{", ""],
    ["an empty connection", "", ""],
    ["a line that is too long", "x".repeat(1 << 21), ""],
  ])("rejects %s without calling the handler, and stays usable", async (_, text, answer) => {
    let asked = 0;
    await listen(() => Promise.resolve(++asked));
    expect(await say(text)).toBe(answer);
    expect([asked, await askGateway(path, { name: "x", body: {} })]).toEqual([0, { answer: 1 }]);
  });

  it("replaces the socket that a killed gateway left", async () => {
    // A socket that nobody listens on: its server was closed when the name was another.
    const server = createServer().listen(join(dir, "other"));
    await once(server, "listening");
    const { rename } = await import("node:fs/promises");
    await rename(join(dir, "other"), path);
    await new Promise((resolve) => server.close(resolve));
    expect((await stat(path)).isSocket()).toBe(true);
    expect(await isListening(path)).toBe(false);
    await listen();
    expect(await isListening(path)).toBe(true);
  });

  it("does not mistake a regular file for a gateway", async () => {
    await writeFile(path, "x");
    expect([await isListening(path), await askGateway(path, { name: "x", body: {} })]).toEqual([false, undefined]);
  });

  it("fails a question when the gateway stops before answering it", async () => {
    const close = await listen(() => new Promise(() => undefined));
    const asked = askGateway(path, { name: "x", body: {} });
    const failed = expect(asked).rejects.toThrow("closed its socket before it had answered");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await close();
    await failed;
  });

  it.runIf(process.platform === "linux")(
    "can be reached by a path that is longer than a socket's path may be",
    async () => {
      const deep = join(dir, "d".repeat(120));
      await mkdir(deep);
      const far = join(deep, "commands.sock");
      const close = await listen(undefined, far);
      expect((await stat(far)).mode & 0o777).toBe(0o600);
      expect(await askGateway(far, { name: "x", body: {} })).toEqual({ answer: { name: "x", body: {} } });
      await close();
      await expect(stat(far)).rejects.toThrow("ENOENT");
    },
  );
});

describe("the path of a socket", () => {
  it.each([
    ["unchanged if it is short enough", 200, false],
    ["through a descriptor of its directory if it is too long", 20, true],
  ])("is used %s", (_, most, isShortened) => {
    const place = shortPath(path, most);
    expect(place.path !== path).toBe(isShortened);
    if (process.platform === "linux" && isShortened)
      expect(place.path).toMatch(/^\/proc\/self\/fd\/\d+\/commands\.sock$/);
    place.close();
  });

  it("is made relative to the working directory if that is shorter", () => {
    const here = join(process.cwd(), "commands.sock");
    const place = shortPath(here, 20);
    expect(place.path).toBe("commands.sock");
    place.close();
  });

  it("is measured in bytes, not in characters", () => {
    const place = shortPath(join(process.cwd(), "ü".repeat(15)), 20);
    expect(place.path).not.toBe("ü".repeat(15));
    place.close();
  });
});
