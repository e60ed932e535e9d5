/** `ocsgw flows` as a process of its own, against a gateway that stops, restarts and refuses. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { startSandboxOcs } from "../../../src/sandbox/start.ts";
import { ocsgw, root } from "../../kit/command.ts";
import { basic, twoTenants } from "../../kit/gateway.ts";
import { furnish, runGateway, type RunningGateway } from "../../kit/running-gateway.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Place = { readonly dir: string; readonly config: string };

const aPlace = async (): Promise<Place> => {
  const ocs = await startSandboxOcs();
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-test-"));
  const config = twoTenants(ocs.primary.http);
  const audit = { ...(config["audit"] as object), dir: join(dir, "audit") };
  await furnish(dir, { ...config, audit, admin: { bind: "127.0.0.1:0" } }, ["alpha", "beta"]);
  stops.push(
    () => rm(dir, { recursive: true, force: true }),
    () => ocs.close(),
  );
  return { dir, config: join(dir, "ocsgw.yaml") };
};

const start = async ({ dir }: Place): Promise<RunningGateway> => {
  const gateway = await runGateway(dir, ["clients", "admin"]);
  stops.push(() => gateway.kill("SIGTERM"));
  return gateway;
};

const call = async (gateway: RunningGateway, client = "alpha"): Promise<string> => {
  const answer = await request(`${gateway.urls.get("clients")!}/phones/4155550177?req=DoNotCall`, {
    method: "POST",
    headers: { Authorization: basic(client) },
  });
  await answer.body.dump();
  return String(answer.headers["ocsgw-request-id"]);
};

type Command = {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly until: (fits: () => boolean) => Promise<void>;
  readonly end: Promise<readonly [code: number | null, signal: string | null]>;
};

/** `script`: gives the command a terminal. */
const follow = (args: readonly string[], onTerminal = false): Command => {
  const words = [process.execPath, join(root, "src/cli/main.ts"), ...args];
  const quoted = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
  const [command, ...rest] = onTerminal ? ["script", "-qfec", `stty cols 300; exec ${quoted}`, "/dev/null"] : words;
  const child = spawn(command!, rest, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  let isOver = false;
  const end = once(child, "close").then(([code, signal]) => {
    isOver = true;
    return [code as number | null, signal as string | null] as const;
  });
  stops.push(async () => {
    child.kill("SIGTERM");
    await end;
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    until: async (fits) => {
      while (!fits()) {
        if (isOver) throw new Error(`the command ended: ${stdout}${stderr}`);
        await after(20);
      }
    },
    end,
  };
};

/** The stream is open when its access entry is in the journal. */
const isFollowing = async ({ dir }: Place, streams = 1): Promise<void> => {
  const file = join(dir, "audit/segments/000000000000.jsonl");
  while ((await readFile(file, "utf8")).split('"operation":"flows"').length <= streams) await after(20);
  await after(300);
};

describe("ocsgw flows", () => {
  it("prints JSON lines where a program reads, and continues with a gateway that was restarted", async () => {
    const place = await aPlace();
    let gateway = await start(place);
    const command = follow(["flows", "-c", place.config, "client:alpha", "-is:refused"]);
    await isFollowing(place);
    await call(gateway, "beta");
    const first = await call(gateway);
    await command.until(() => command.stdout().includes(first));
    await gateway.kill("SIGTERM");
    await command.until(() => command.stderr().includes("stream lost"));
    gateway = await start(place);
    const second = await call(gateway);
    await command.until(() => command.stdout().includes(second));
    const lines = command.stdout().trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual([first, second]);
    expect(command.stderr()).toMatch(/^! stream lost .* \(the gateway is stopping\); trying again$/m);
    expect(command.stderr()).toMatch(/^! back after \d+\.\d s; it continues where it stopped/m);
    const text = await readFile(join(place.dir, "audit/segments/000000000000.jsonl"), "utf8");
    expect(text).toMatch(/"kind":"access","user":"[^"]+".*"operation":"flows","query":"client:alpha -is:refused"/);
    command.child.kill("SIGINT");
    expect(await command.end).toEqual([null, "SIGINT"]);
  }, 60_000);

  it("prints lines for people on a terminal; logs tail is the same command", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    const command = follow(["logs", "tail", "-c", place.config, "tenant:Alpha Tenant"], true);
    await isFollowing(place);
    const ids = [await call(gateway), await call(gateway)];
    await command.until(() => ids.every((id) => command.stdout().includes(id)));
    const lines = command.stdout().replaceAll("\r", "").trim().split("\n");
    expect(lines[0]).toBe('following tenant:"Alpha Tenant" from now. Ctrl-C to stop. Times are UTC.');
    expect(lines[1]).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}● {2}200 {2}ok {2}Alpha Tenant {2}alpha {2}DoNotCall {2}phones\//,
    );
    expect(lines[2]!.indexOf("phones/")).toBe(lines[1]!.indexOf("phones/"));
    // A slower request has longer details, which widen their column from its line on.
    expect(lines[2]!.indexOf(ids[1]!)).toBeGreaterThanOrEqual(lines[1]!.indexOf(ids[0]!));
    expect(command.stdout()).not.toContain("4155550177");
  }, 60_000);

  it("ends when its output is closed", async () => {
    const place = await aPlace();
    const gateway = await start(place);
    const command = follow(["flows", "-c", place.config]);
    await isFollowing(place);
    command.child.stdout!.destroy();
    await call(gateway);
    expect(await command.end).toEqual([1, null]);
    expect(command.stderr()).toContain("the output to stdout is incomplete: its reader closed it");
  }, 60_000);

  it.each([
    ["an unknown key", ["tennant:101"], 2, "unknown key tennant"],
    ["a phone number, which it does not send", ["4155550177"], 2, "looks like a phone number"],
    ["a phone number as purpose", ["--purpose", "call 4155550177"], 2, "may be a phone number"],
    ["a time", ["since:1h"], 2, "a stream shows what happens from now on"],
    ["a wrong token", ["--token", "wrong"], 1, "the gateway rejects this token"],
  ])("rejects %s", async (_what, args, code, message) => {
    const place = await aPlace();
    await start(place);
    const ran = await ocsgw("flows", "-c", place.config, ...args);
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(message)]);
    expect(ran.stderr).not.toContain("4155550177");
    expect(ran.stdout).toBe("");
  });

  it("says that no gateway answers", async () => {
    const place = await aPlace();
    expect(await ocsgw("flows", "-c", place.config)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("no answer from") as string,
    });
  });

  it("notices a silent connection, a rejected cursor and an answer of somebody else", async () => {
    const answers: ((cursor: string | undefined) => readonly [number, string])[] = [
      () => [200, 'id: c1\nevent: begin\ndata: {"filter":"","resumed":false,"behind":0,"warnings":[]}\n\n'],
      () => [400, '{"error":"another history"}'],
      () => [503, '{"error":"busy"}'],
      () => [
        200,
        'id: c2\nevent: begin\ndata: {"filter":"","resumed":false,"behind":0,"warnings":[]}\n\n' +
          'id: c3\nevent: missing\ndata: {"from":3,"to":9,"entries":6,"reason":"deleted"}\n\n' +
          "id: c4\nevent: later-version\ndata: {}\n\n",
      ],
      () => [404, '{"error":"no"}'],
    ];
    const cursors: unknown[] = [];
    const server = createServer((asked, reply) => {
      cursors.push(asked.headers["last-event-id"]);
      const [status, text] = answers[Math.min(cursors.length, answers.length) - 1]!(undefined);
      reply.writeHead(status, { "Content-Type": status === 200 ? "text/event-stream" : "application/json" });
      reply.write(text);
      if (status !== 200) reply.end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    stops.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const command = follow(["flows", "--url", url, "--token", "t"]);
    expect(await command.end).toEqual([1, null]);
    expect(cursors).toEqual([undefined, "c1", undefined, undefined, "c4"]);
    expect(command.stderr()).toContain("(nothing came for 5 s); trying again");
    expect(command.stderr()).toContain("! what happened in between is not shown: another history");
    expect(command.stderr()).toContain("! 6 journal entries (3 to 8) cannot be shown: audit.retention deleted them");
    expect(command.stderr()).toContain("answers 404: it is probably not the admin listener");
    expect(
      command
        .stdout()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { missing: { reason: "cursor", message: "another history" } },
      { missing: { from: 3, to: 9, entries: 6, reason: "deleted" } },
    ]);
  }, 60_000);
});
