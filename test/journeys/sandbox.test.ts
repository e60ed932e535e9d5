import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ocsgw, run, startSandbox, type RunningSandbox } from "../kit/command.ts";

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startSandbox([], ["npm", "start", "--silent", "--"]);
});
afterAll(async () => {
  await sandbox.stop();
  await sandbox.remove();
});

const curlLines = (): string[] =>
  sandbox
    .screen()
    .split("\n")
    .filter((line) => line.trim().startsWith("curl "))
    .map((line) => line.trim());
const control = async (path: string, method: "GET" | "POST" = "GET", body?: unknown): Promise<unknown> =>
  (
    await request(`${sandbox.ready.sandbox.url}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    })
  ).body.json();
const keys = (): string[] =>
  sandbox.ready.tenants[0]!.clients.flatMap(({ client, key }) => ["--key", `${client}:${key}`]);

describe("npm start", () => {
  it("shows addresses, tenants, clients and keys", () => {
    const { gateway, ocs, tenants } = sandbox.ready;
    for (const shown of [
      gateway!.http,
      gateway!.https,
      ocs.primary,
      ocs.backup,
      ...tenants.flatMap(({ name, clients }) => [name, ...clients.map(({ key }) => key)]),
    ]) {
      expect(sandbox.screen()).toContain(shown);
    }
  });

  it("prints a curl line that works as printed, and one that is refused as it says", async () => {
    const [first, second] = curlLines();
    const [works, refused] = [await run("sh", ["-c", first!]), await run("sh", ["-c", second!])];
    expect(works!.stdout).toMatch(
      /^HTTP\/1\.1 200 OK\r\nServer: OCS\/8\.1\.524\.04\r\n[\s\S]*Ocsgw-Delivery: answered/,
    );
    expect(refused!.stdout).toMatch(
      /^HTTP\/1\.1 403 [\s\S]*Ocsgw-Code: OCSGW-2103[\s\S]*<HTML><body>403 Forbidden : OCSGW-2103 .*<\/body><\/HTML>$/,
    );
    const { url, token } = sandbox.ready.admin!;
    const read = async (path: string): Promise<string> =>
      (await request(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } })).body.text();
    await expect
      .poll(() => read("/api/flows?filter=code:OCSGW-2103"), { timeout: 10_000 })
      .toContain('"state":"refused"');
    expect(JSON.parse(await read("/api/dnc/open"))).toMatchObject({ open: [] });
  });

  it("prints commands that run as printed", { timeout: 120_000 }, async () => {
    const commands = sandbox
      .screen()
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line.startsWith("npm run --silent ocsgw -- "));
    expect(commands.map((command) => command.split(" ").slice(5, 7).join(" "))).toEqual([
      expect.stringMatching(/^status/),
      expect.stringMatching(/^check/),
      "can alpha-crm",
      "audit search",
      "audit verify",
      "admins link",
      "explain ID",
      "sandbox dial",
    ]);
    const [, id] = /^[\d:.]+  \d{3}  ocs .*  ([0-9A-Z]{26})$/m.exec(sandbox.screen())!;
    for (const printed of commands) {
      const command = printed.replace(" ID ", ` ${id} `);
      const { code, stderr } = await run("sh", ["-c", command]);
      expect([command, code, stderr]).toEqual([command, 0, stderr]);
    }
  });

  it("tells every request in one line, and no more of a number than its end", async () => {
    const lines = (): string[] =>
      sandbox
        .screen()
        .split("\n")
        .filter((line) => /^\d\d:\d\d:\d\d\.\d{3}  \d{3}  (ocs|gateway) /.test(line));
    await vi.waitFor(() =>
      expect(lines()).toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            /  200  ocs      alpha-crm  DoNotCall +phones\/······0100 +queue [\d.]+  ocs [\d.]+ ms  [0-9A-Z]{26}$/,
          ),
          expect.stringMatching(
            /  403  gateway  alpha-crm  RequestRecordCancel +phones\/······0100 +OCSGW-2103  [0-9A-Z]{26}$/,
          ),
        ]),
      ),
    );
    expect(lines().join()).not.toContain("4155550100");
  });

  it("marks a fault in the console's charts", async () => {
    const { id } = (await control("/faults", "POST", { kind: "lost-reply", action: "RecordReject" })) as { id: string };
    const { url, token } = sandbox.ready.admin!;
    const { body } = await request(`${url}/api/now`, { headers: { Authorization: `Bearer ${token}` } });
    const { markers } = (await body.json()) as { markers: readonly { kind: string; text: string }[] };
    expect(markers.filter(({ kind }) => kind === "fault").map(({ text }) => text)).toEqual([`${id} lost-reply`]);
    await (await request(`${sandbox.ready.sandbox.url}/faults`, { method: "DELETE" })).body.dump();
  });

  it("shows commands to try in the console, one of which leads to a flow and one past the gateway", async () => {
    const { url, token } = sandbox.ready.admin!;
    const ask = async (path: string): Promise<any> =>
      (await request(url + path, { headers: { authorization: `Bearer ${token}` } })).body.json();
    const { examples } = (await ask("/api/sandbox")) as { examples: { through: string; past: string } };
    const [through, past] = await Promise.all([examples.through, examples.past].map((line) => run("sh", ["-c", line])));
    const [, id] = /^Ocsgw-Request-Id: (\w{26})/im.exec(through!.stdout)!;
    expect(past!.stdout).toMatch(/^HTTP\/1\.1 200 OK/);
    const { requests } = (await ask("/api/sandbox/requests")) as {
      requests: { target: string; flow: string | null }[];
    };
    const seen = requests.filter(({ target }) => target === "/campaigngroups/106").map(({ flow }) => flow);
    expect(new Set(seen.slice(0, 2))).toEqual(new Set([id, null]));
  });

  it("has the do-not-call in OCS's own state", async () => {
    const state = JSON.stringify(await control("/state"));
    expect(state).toContain("4155550100");
  });
});

describe("the seeded handles", () => {
  const reject = async (
    client: string,
    handle: number,
  ): Promise<readonly [number, string | undefined, string | undefined]> => {
    const { statusCode, headers, body } = await request(
      `${sandbox.ready.gateway!.http}/records/${handle}?req=UpdateCallCompletionStats`,
      {
        method: "POST",
        headers: {
          authorization: `Basic ${Buffer.from(`${client}:sk_sandbox_${client}`).toString("base64")}`,
          "content-type": "application/json",
        },
        body: "{}",
      },
    );
    await body.dump();
    return [statusCode, headers["ocsgw-code"] as string | undefined, headers.warning as string | undefined];
  };

  it("are their tenant's alone: OCS has announced them", async () => {
    await control("/reset", "POST");
    expect(await reject("alpha-ors", 15)).toEqual([200, undefined, undefined]);
    expect(await reject("beta-crm", 15)).toEqual([410, "OCSGW-2106", undefined]);
    expect(await reject("beta-crm", 41)).toEqual([200, undefined, undefined]);
    expect(await reject("alpha-ors", 41)).toEqual([410, "OCSGW-2106", undefined]);
  });

  it("one is stale: OCS says so, and after that the gateway", async () => {
    expect(await reject("alpha-ors", 16)).toEqual([410, undefined, "112"]);
    expect(await reject("alpha-ors", 16)).toEqual([410, "OCSGW-2106", undefined]);
  });

  it("come again after a reset", async () => {
    await control("/reset", "POST");
    expect(await reject("alpha-ors", 16)).toEqual([410, undefined, "112"]);
  });
});

describe("curl over TLS", () => {
  it("trusts the sandbox's CA and nothing else does", async () => {
    const { gateway, ca, tenants } = sandbox.ready;
    const { client, key } = tenants[0]!.clients.find(({ client }) => client.endsWith("ops"))!;
    const good = await run("curl", [
      "-sS",
      "--cacert",
      ca,
      "-u",
      `${client}:${key}`,
      `${gateway!.https}/campaigngroups`,
    ]);
    expect(Object.keys((JSON.parse(good.stdout) as { CampaignGroups: object }).CampaignGroups)).toEqual([
      "Alpha Campaign@Alpha Agents",
      "Alpha Winback@Alpha Agents",
    ]);
    expect((await run("curl", ["-sS", `${gateway!.https}/campaigngroups`])).code).toBe(60);
  });

  it("speaks TLS 1.2 and 1.3 and HTTP/1.1 to openssl", async () => {
    const { port } = new URL(sandbox.ready.gateway!.https);
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const { stdout } = await run("sh", [
        "-c",
        `openssl s_client -connect 127.0.0.1:${port} -CAfile '${sandbox.ready.ca}' -verify_return_error -alpn ` +
          `h2,http/1.1 ${version} </dev/null 2>&1`,
      ]);
      expect(stdout).toMatch(/Verify return code: 0 \(ok\)/);
      expect(stdout).toMatch(/ALPN protocol: http\/1\.1/);
    }
    expect(
      (await run("sh", ["-c", `openssl s_client -connect 127.0.0.1:${port} -tls1_1 </dev/null 2>&1`])).code,
    ).not.toBe(0);
  });
});

describe("64 clients at once through 4 lanes", () => {
  it("counts no violation, one request at a time on each of 4 connections, and gives each its own answer", async () => {
    await control("/reset", "POST");
    const agents = Array.from({ length: 64 }, () => new Agent({ connections: 1, pipelining: 1 }));
    const as = (role: string): string => {
      const { client, key } = sandbox.ready.tenants[0]!.clients.find(({ client }) => client.endsWith(role))!;
      return `Basic ${Buffer.from(`${client}:${key}`).toString("base64")}`;
    };
    const update = {
      path: "/records/20?req=UpdateCallCompletionStats",
      authorization: as("ors"),
      expected: [200, undefined, ""],
    };
    const load = { path: "/campaigngroups/106?req=Load", authorization: as("ops"), expected: [409, "5", ""] };
    const wrong: string[] = [];
    // An open handle answers 200 to an update, a loaded group 409 to Load: which of the two a client gets depends on
    // its own request.
    await Promise.all(
      agents.map(async (dispatcher, index) => {
        const { path, authorization, expected } = index % 2 === 0 ? update : load;
        for (let round = 0; round < ROUNDS; round++) {
          const { statusCode, headers, body } = await request(`${sandbox.ready.gateway!.http}${path}`, {
            method: "POST",
            dispatcher,
            headers: { authorization, "content-type": "application/json" },
            body: "{}",
          });
          const text = await body.text();
          if (JSON.stringify([statusCode, headers.warning, text]) !== JSON.stringify(expected))
            wrong.push(`${path}: ${statusCode} ${text}`);
        }
      }),
    );
    await Promise.all(agents.map((agent) => agent.close()));
    const { counters } = (await control("/state")) as { counters: { primary: Counters } };
    expect(wrong).toEqual([]);
    expect(counters.primary).toMatchObject({ violations: 0, maxInFlight: 1, requests: 64 * ROUNDS });
    // The fifth carries no request: it tells when OCS changes roles.
    expect(counters.primary.connections.open).toBe(5);
    const seen = (await control("/requests")) as readonly { connection: number }[];
    expect(new Set(seen.map(({ connection }) => connection)).size).toBe(4);
    expect(await control("/violations")).toEqual({ count: 0 });
  });
});

describe("ocsgw conformance", () => {
  it("finds OCS conformant, every row", async () => {
    const { code, stdout } = await ocsgw(
      "conformance",
      sandbox.ready.ocs.primary,
      "--sandbox",
      sandbox.ready.sandbox.url,
    );
    expect([code, stdout.trim().split("\n").at(-1)]).toEqual([
      0,
      expect.stringMatching(/^\d+ rows: \d+ ok, 0 FAIL, 0 skip/),
    ]);
  });

  it("finds OCS conformant over HTTPS", async () => {
    const { code } = await ocsgw(
      "conformance",
      sandbox.ready.ocs.primary_https,
      "--ca",
      sandbox.ready.ca,
      "--sandbox",
      sandbox.ready.sandbox.url,
    );
    expect(code).toBe(0);
  });

  it("finds the same through the gateway, every row", async () => {
    const { code, stdout } = await ocsgw(
      "conformance",
      sandbox.ready.gateway!.https,
      "--ca",
      sandbox.ready.ca,
      "--sandbox",
      sandbox.ready.sandbox.url,
      ...keys(),
    );
    expect([code, stdout.trim().split("\n").at(-1)]).toEqual([
      0,
      expect.stringMatching(/^\d+ rows: \d+ ok, 0 FAIL, 0 skip/),
    ]);
  });

  it("is content with a second run right after, and with clients that may do less", async () => {
    expect((await ocsgw("conformance", sandbox.ready.gateway!.http, ...keys())).code).toBe(0);
    expect((await ocsgw("conformance", sandbox.ready.gateway!.http, ...keys().slice(0, 4))).code).toBe(0);
  });
});

const ROUNDS = 6;

type Counters = {
  readonly connections: { readonly total: number; readonly open: number };
  readonly requests: number;
  readonly violations: number;
  readonly maxInFlight: number;
};

describe("the journal of the whole run", () => {
  const verify = (dir: string, ...more: string[]): Promise<{ code: number | null; stdout: string }> =>
    ocsgw("audit", "verify", dir, ...more);
  const segmentOf = async (dir: string): Promise<string> =>
    join(dir, "segments", (await readdir(join(dir, "segments"))).filter((name) => name.endsWith(".jsonl")).sort()[0]!);
  const tampered = async (
    name: string,
    change: (lines: string[]) => string[],
  ): Promise<{ code: number | null; stdout: string }> => {
    const copy = join(sandbox.dir, name);
    await cp(sandbox.ready.audit!.dir, copy, { recursive: true });
    const segment = await segmentOf(copy);
    await writeFile(segment, `${change((await readFile(segment, "utf8")).trimEnd().split("\n")).join("\n")}\n`);
    return verify(copy, "--key", sandbox.ready.audit!.publicKey);
  };

  it("verifies with the key that the ready file gave", async () => {
    await sandbox.stop();
    const { code, stdout } = await verify(sandbox.ready.audit!.dir, "--key", sandbox.ready.audit!.publicKey);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^OK/m)]);
    const text = await readFile(await segmentOf(sandbox.ready.audit!.dir), "utf8");
    expect(text).not.toMatch(/4155550\d{3}|4155670000|4155555555/);
    expect(JSON.parse(text.trimEnd().split("\n").at(-1)!)).toMatchObject({ kind: "stop" });
  });

  it("a flipped bit is found and named", async () => {
    const { code, stdout } = await tampered("flipped", (lines) =>
      lines.map((line, index) =>
        index === 10
          ? line.replace(
              /"kind":"(.)/,
              (found) => found.slice(0, -1) + String.fromCharCode(found.charCodeAt(found.length - 1) ^ 1),
            )
          : line,
      ),
    );
    expect([code, stdout]).toEqual([7, expect.stringMatching(/line 11 .*index 10/)]);
  });

  it("a removed line is found and named", async () => {
    const { code, stdout } = await tampered("removed", (lines) => lines.filter((_, index) => index !== 12));
    expect([code, stdout]).toEqual([7, expect.stringMatching(/index 12/)]);
  });

  it("a swapped pair is found and named", async () => {
    const { code, stdout } = await tampered("swapped", (lines) => [
      ...lines.slice(0, 14),
      lines[15]!,
      lines[14]!,
      ...lines.slice(16),
    ]);
    expect([code, stdout]).toEqual([7, expect.stringMatching(/indexes 15 and 14/)]);
  });

  it("without a checkpoint it cannot tell", async () => {
    const copy = join(sandbox.dir, "nothing");
    await cp(sandbox.ready.audit!.dir, copy, { recursive: true, filter: (path) => !/checkpoints\/\d+$/.test(path) });
    expect((await verify(copy, "--key", sandbox.ready.audit!.publicKey)).code).toBe(8);
  });
});

describe("SIGTERM", () => {
  it("lets the request that is under way end, then stops with exit code 0 and a last line in the journal", async () => {
    const other = await startSandbox();
    try {
      await request(`${other.ready.sandbox.url}/delay`, {
        method: "POST",
        body: JSON.stringify({ ms: 1000 }),
        headers: { "content-type": "application/json" },
      });
      const { client, key } = other.ready.tenants[0]!.clients.find(({ client }) => client.endsWith("crm"))!;
      const authorization = `Basic ${Buffer.from(`${client}:${key}`).toString("base64")}`;
      const sending = request(`${other.ready.gateway!.http}/phones/4155550111?req=DoNotCall`, {
        method: "POST",
        headers: { authorization },
      });
      const { url, token } = other.ready.admin!;
      const status = async (): Promise<string> =>
        (await request(`${url}/api/status`, { headers: { authorization: `Bearer ${token}` } })).body.text();
      await vi.waitFor(async () => expect(await status()).toContain('"state":"busy"'), {
        timeout: 20_000,
        interval: 20,
      });
      const stopping = other.stop();
      const { statusCode, headers } = await sending;
      expect([statusCode, headers["ocsgw-delivery"]]).toEqual([200, "answered"]);
      expect(await stopping).toBe(0);
      expect((await ocsgw("audit", "verify", other.ready.audit!.dir, "--key", other.ready.audit!.publicKey)).code).toBe(
        0,
      );
    } finally {
      await other.stop();
      await other.remove();
    }
  });
});
