/** What a probe makes of each answer, and of none: nothing but a whole answer of a gateway that is ready counts as ready. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { healthcheck, probe } from "../../src/cli/healthcheck.ts";
import { plainGet } from "../../src/cli/plain-get.ts";
import { ocsgw } from "../kit/command.ts";

let server: Server | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  server?.close();
  server = undefined;
});

/** Sends this text to who asks, then ends, or keeps the connection open. */
const answering = async (
  text: string,
  ends = true,
): Promise<{ readonly url: string; readonly asked: () => string }> => {
  let asked = "";
  const sockets = new Set<Socket>();
  server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => {
        asked += chunk.toString();
        if (ends) socket.end(text);
        else socket.write(text);
      });
  });
  server.once("close", () => sockets.forEach((socket) => socket.destroy()));
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
};

const reply = (status: string, body: string, length = body.length): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;

const check = async (
  url: string,
  live = false,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> => {
  const [out, err] = [vi.spyOn(console, "log").mockReturnValue(), vi.spyOn(console, "error").mockReturnValue()];
  const code = await healthcheck({ config: "/none", url, live });
  return { code, out: out.mock.calls.flat().join("\n"), err: err.mock.calls.flat().join("\n") };
};

describe("ocsgw healthcheck", () => {
  it.each<[string, string, { code: number; out?: string; err?: RegExp }]>([
    ["ready", reply("200 OK", '{"status":"ready"}'), { code: 0, out: "ready" }],
    [
      "not ready, with the reasons",
      reply("503 Service Unavailable", '{"status":"not ready","reasons":["the journal cannot be written"]}'),
      { code: 1, out: "not ready: the journal cannot be written" },
    ],
    ["an answer without a length", 'HTTP/1.1 200 OK\r\n\r\n{"status":"ready"}', { code: 0, out: "ready" }],
    [
      "an answer that was cut",
      reply("200 OK", '{"status":"ready"}', 99),
      { code: 5, err: /no answer from \S+: the connection was reset/ },
    ],
    ["half a head", "HTTP/1.1 200 OK\r\n", { code: 5, err: /the connection was reset/ }],
    ["no answer at all", "", { code: 5, err: /the connection was reset/ }],
    ["another protocol", "SSH-2.0-x\r\n\r\n{}", { code: 1 }],
    ["no JSON", reply("200 OK", "<html>"), { code: 5, err: /does not answer in JSON: is that the admin listener\?/ }],
  ])("of %s", async (_name, text, { code, out, err }) => {
    const found = await check((await answering(text)).url);
    expect(found.code).toBe(code);
    if (out !== undefined) expect(found.out).toBe(out);
    if (err) expect(found.err).toMatch(err);
  });

  it.each([
    [false, "/readyz"],
    [true, "/healthz"],
  ])("with live: %s asks %s once, by the name that it was given", async (live, path) => {
    const { url, asked } = await answering(reply("200 OK", '{"status":"ok"}'));
    await check(url, live);
    expect(asked()).toBe(`GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`);
  });

  it("says that nobody listens", async () => {
    const { url } = await answering("");
    await new Promise((resolve) => server!.close(resolve));
    expect(await check(url)).toMatchObject({ code: 5, out: "", err: `no answer from ${url}: connection refused` });
  });

  it("does not wait for ever for a gateway that is silent", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { url } = await answering("HTTP/1.1 200 OK\r\n", false);
    const got = expect(plainGet(url, "/healthz")).rejects.toMatchObject({ code: "ETIMEDOUT" });
    await vi.advanceTimersByTimeAsync(3000);
    vi.useRealTimers();
    await got;
  });
});

describe("ocsgw healthcheck of a config", () => {
  it.each([
    [
      "a FIFO",
      () => {
        const path = join(mkdtempSync(join(tmpdir(), "ocsgw-probe-")), "fifo");
        execFileSync("mkfifo", [path]);
        return path;
      },
      "is a FIFO",
    ],
    ["a device without an end", () => "/dev/zero", "is a device"],
    ["a folder", () => tmpdir(), "is a directory"],
  ])("that is %s ends soon, with what is wrong", async (_, make, says) => {
    const config = make();
    const { code, stderr } = await ocsgw("healthcheck", "--live", "-c", config);
    if (config.endsWith("/fifo")) rmSync(dirname(config), { recursive: true });
    expect([code, stderr]).toEqual([3, expect.stringContaining(says)]);
  });
});

describe("the words behind healthcheck", () => {
  it.each([
    [["--live"]],
    [["--url", "URL"]],
    [["--url=URL", "--live"]],
    [["-c", "/none", "--url", "URL"]],
    [["--config=/none", "--live", "--url", "URL"]],
  ])("of %j are a probe", async (words) => {
    const { url } = await answering(reply("200 OK", '{"status":"ok"}'));
    vi.spyOn(console, "log").mockReturnValue();
    vi.spyOn(console, "error").mockReturnValue();
    // Without --url it is the file that is wrong.
    expect(
      await probe(
        words.map((word) => word.replace("URL", url)),
        "/none",
      ),
    ).toBe(words.join(" ").includes("URL") ? 0 : 3);
  });

  it.each([
    [["--help"]],
    [["-h"]],
    [["more"]],
    [["--lives"]],
    [["--url"]],
    [["--url", "ftp://127.0.0.1"]],
    [["--url", "http://"]],
    [["-c"]],
  ])("of %j are for commander to judge", async (words) => {
    expect(await probe(words, "/none")).toBeUndefined();
  });
});
