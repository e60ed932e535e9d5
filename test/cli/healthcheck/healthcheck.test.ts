/**
 * The result of the health check for each answer, and for none: only a complete answer of a ready gateway counts as
 * ready.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { healthcheck, probe } from "../../../src/cli/healthcheck/healthcheck.ts";
import { plainGet } from "../../../src/cli/healthcheck/plain-get.ts";
import { ocsgw } from "../../kit/command.ts";

let server: Server | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  server?.close();
  server = undefined;
});

/** Sends this text to each client, then ends the connection or keeps it open. */
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
    ["a ready gateway", reply("200 OK", '{"status":"ready"}'), { code: 0, out: "ready" }],
    [
      "a gateway that is not ready, with its reasons",
      reply("503 Service Unavailable", '{"status":"not ready","reasons":["the journal cannot be written"]}'),
      { code: 1, out: "not ready: the journal cannot be written" },
    ],
    ["an answer without a length", 'HTTP/1.1 200 OK\r\n\r\n{"status":"ready"}', { code: 0, out: "ready" }],
    [
      "a truncated answer",
      reply("200 OK", '{"status":"ready"}', 99),
      { code: 5, err: /no answer from \S+: the connection was reset/ },
    ],
    ["an incomplete head", "HTTP/1.1 200 OK\r\n", { code: 5, err: /the connection was reset/ }],
    ["no answer at all", "", { code: 5, err: /the connection was reset/ }],
    ["another protocol", "SSH-2.0-x\r\n\r\n{}", { code: 1 }],
    [
      "an answer that is not JSON",
      reply("200 OK", "<html>"),
      { code: 5, err: /is not JSON: it is probably not the admin listener/ },
    ],
  ])("gives the result for %s", async (_name, text, { code, out, err }) => {
    const found = await check((await answering(text)).url);
    expect(found.code).toBe(code);
    if (out !== undefined) expect(found.out).toBe(out);
    if (err) expect(found.err).toMatch(err);
  });

  it.each([
    [false, "/readyz"],
    [true, "/healthz"],
  ])("with live: %s requests %s once, under the host name of the URL", async (live, path) => {
    const { url, asked } = await answering(reply("200 OK", '{"status":"ok"}'));
    await check(url, live);
    expect(asked()).toBe(`GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`);
  });

  it("reports that nothing listens at the address", async () => {
    const { url } = await answering("");
    await new Promise((resolve) => server!.close(resolve));
    expect(await check(url)).toMatchObject({ code: 5, out: "", err: `no answer from ${url}: connection refused` });
  });

  it("times out when the gateway is silent", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { url } = await answering("HTTP/1.1 200 OK\r\n", false);
    const got = expect(plainGet(url, "/healthz")).rejects.toMatchObject({ code: "ETIMEDOUT" });
    await vi.advanceTimersByTimeAsync(3000);
    vi.useRealTimers();
    await got;
  });
});

describe("ocsgw healthcheck with a config", () => {
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
    ["an endless device", () => "/dev/zero", "is a device"],
    ["a folder", () => tmpdir(), "is a directory"],
  ])("that is %s fails soon and names the fault", async (_, make, says) => {
    const config = make();
    const { code, stderr } = await ocsgw("healthcheck", "--live", "-c", config);
    if (config.endsWith("/fifo")) rmSync(dirname(config), { recursive: true });
    expect([code, stderr]).toEqual([3, expect.stringContaining(says)]);
  });
});

describe("the arguments of healthcheck", () => {
  it.each([
    [["--live"]],
    [["--url", "URL"]],
    [["--url=URL", "--live"]],
    [["-c", "/none", "--url", "URL"]],
    [["--config=/none", "--live", "--url", "URL"]],
  ])("%j run the health check", async (words) => {
    const { url } = await answering(reply("200 OK", '{"status":"ok"}'));
    vi.spyOn(console, "log").mockReturnValue();
    vi.spyOn(console, "error").mockReturnValue();
    // Without --url the file is at fault.
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
  ])("%j are left to commander", async (words) => {
    expect(await probe(words, "/none")).toBeUndefined();
  });
});
