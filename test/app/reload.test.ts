import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { request } from "undici";
import { stringify } from "yaml";
import type { Reloaded } from "../../src/app/reload-outcome.ts";
import { watchFiles } from "../../src/app/config/file-watcher.ts";
import { keepReloading } from "../../src/cli/run.ts";
import type { Recorded } from "../../src/journal/entry.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient } from "../kit/raw-client.ts";
import { OK, rawOcs, type RawOcs, type Script } from "../kit/raw-ocs.ts";

type Config = ReturnType<typeof twoTenants>;

let ocs: RawOcs;
let gateway: TestGateway;
let more: (() => Promise<unknown>)[] = [];

const config = (change: (config: Config) => void = () => undefined, primary = ocs.url): Config => {
  const made = { ...twoTenants(primary), admin: { bind: "127.0.0.1:0" } };
  change(made);
  return made;
};
const tenant = (of: Config, at = 0): Record<string, unknown> => of.tenants[at] as Record<string, unknown>;
const write = (next: Config | string): Promise<void> =>
  writeFile(
    join(gateway.dir, "ocsgw.yaml"),
    typeof next === "string" ? next : stringify(next, { aliasDuplicateObjects: false }),
  );
const reload = async (change: (config: Config) => void): Promise<Reloaded> => {
  await write(config(change));
  return gateway.gateway.reload();
};
const begin = async (script?: Script, change?: (config: Config) => void): Promise<void> => {
  ocs = await rawOcs(script);
  gateway = await aGateway(config(change), undefined, undefined, { stableMs: 100 });
};
const call = async (
  as: string,
  path = "/phones/4155550100?req=DoNotCall",
  url = gateway.url,
): Promise<{ status: number; code: string | undefined; remaining: string | undefined }> => {
  const { statusCode, headers, body } = await request(`${url}${path}`, {
    method: "POST",
    headers: { Authorization: basic(as) },
  });
  await body.dump();
  return {
    status: statusCode,
    code: headers["ocsgw-code"] as string | undefined,
    remaining: /;r=(\d+)/.exec(String(headers["ratelimit"]))?.[1],
  };
};
const watchAll = (next: Config): void => {
  next["config"] = { watch: "all" };
};
const changesOrProblems = (reloaded: Reloaded): string[] =>
  reloaded.outcome === "refused"
    ? reloaded.problems.map(({ code, message }) => `${code} ${message}`)
    : reloaded.outcome === "reloaded"
      ? [...reloaded.changes]
      : [];

beforeEach(() => {
  more = [];
});
afterEach(async () => {
  await gateway.stop();
  await ocs.close();
  for (const each of more) await each();
});

describe("a reload", () => {
  it("applies another policy at once and lists its changes", async () => {
    await begin();
    expect((await call("alpha")).status).toBe(200);
    const reloaded = await reload((next) => {
      tenant(next).clients = { alpha: { actions: ["AddRecord"] } };
      tenant(next, 1).limits = { requests: { rate: "20/s" } };
    });
    expect(changesOrProblems(reloaded)).toEqual([
      expect.stringMatching(/^Alpha Tenant: client alpha: UpdateCallCompletionStats, .*DoNotCall.*ReadStatus removed$/),
      "Beta Tenant: limits.requests none -> 20/s",
    ]);
    expect(await call("alpha")).toMatchObject({ status: 403, code: "OCSGW-2101" });
    expect(await call("beta")).toMatchObject({ status: 200, remaining: "39" });
  });

  it("does nothing when nothing has changed", async () => {
    await begin();
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "unchanged" });
    expect((await gateway.journal()).filter(({ kind }) => kind === "config")).toEqual([]);
  });

  it("is rejected while the gateway stops, not reported as unchanged", async () => {
    await begin();
    await write(
      config((next) => {
        tenant(next).share = 2;
      }),
    );
    const { gateway: running } = gateway;
    const asked = [running.reload(), running.reload({ dryRun: true })];
    await running.stop("test");
    const outcomes = await Promise.all([...asked, running.reload(), running.reload({ by: "watcher" })]);
    expect(outcomes.map(changesOrProblems)).toEqual(
      outcomes.map(() => ["OCSGW-6331 the gateway is stopping and does not reload"]),
    );
    expect((await gateway.journal()).filter(({ kind }) => kind === "config")).toEqual([]);
  });

  it("keeps the use of an unchanged limit, and starts a changed limit from zero", async () => {
    const limited =
      (rate: string) =>
      (next: Config): void => {
        tenant(next).limits = { requests: { rate, burst: 100 } };
      };
    await begin(undefined, limited("50/m"));
    for (const left of ["99", "98"]) expect(await call("alpha")).toMatchObject({ remaining: left });
    await reload((next) => {
      limited("50/m")(next);
      tenant(next, 1).share = 2;
    });
    expect(await call("alpha")).toMatchObject({ remaining: "97" });
    await reload(limited("60/m"));
    expect(await call("alpha")).toMatchObject({ remaining: "99" });
  });

  it("finishes queued and sent requests at the old OCS, and sends new requests to the new one", async () => {
    let answer = (): void => undefined;
    await begin(
      ({ connection }) => void (answer = () => connection.socket.write(OK)),
      (next) => Object.assign(next.upstreams.ocs as object, { connections: 1 }),
    );
    const other = await rawOcs();
    more.push(() => other.close());
    const sent = call("alpha");
    await vi.waitFor(() => expect(ocs.requests()).toBe(1));
    const waiting = call("alpha");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(
      changesOrProblems(
        await reload((next) => {
          Object.assign(next.upstreams.ocs as object, { primary: other.url, connections: 1 });
        }),
      ),
    ).toEqual([`upstreams.ocs.primary ${ocs.url} -> ${other.url}`]);
    expect((await call("alpha")).status).toBe(200);
    expect([ocs.requests(), other.requests()]).toEqual([1, 1]);
    answer();
    expect((await sent).status).toBe(200);
    await vi.waitFor(() => expect(ocs.requests()).toBe(2));
    answer();
    expect((await waiting).status).toBe(200);
    await vi.waitFor(() => expect(ocs.connections.every(({ socket }) => socket.destroyed)).toBe(true));
  });

  it("adds and removes lanes of an upstream", async () => {
    await begin();
    const lanes = async (): Promise<number> => ((await status()).upstreams as { lanes: unknown[] }[])[0]!.lanes.length;
    expect(await lanes()).toBe(4);
    await reload((next) => {
      Object.assign(next.upstreams.ocs as object, { connections: 6 });
    });
    expect(await lanes()).toBe(6);
    await reload((next) => {
      Object.assign(next.upstreams.ocs as object, { connections: 2 });
    });
    expect(await lanes()).toBe(2);
    expect((await call("alpha")).status).toBe(200);
  });

  it("opens new listeners, keeps the connections of unchanged ones, and closes removed ones", async () => {
    await begin();
    const client = await rawClient(gateway.port);
    const ask = "GET /campaigngroups HTTP/1.1\r\nHost: localhost\r\n\r\n";
    await client.send(ask);
    expect((await client.reply()).status).toBe(401);
    const second = { name: "second", bind: "127.0.0.1:0", tls: "none" };
    expect(
      changesOrProblems(
        await reload((next) => {
          (next["listeners"] as object[]).push(second);
        }),
      ),
    ).toEqual(["listener second added"]);
    const [, added] = gateway.gateway.listeners;
    expect((await call("alpha", undefined, added!.url)).status).toBe(200);
    expect(
      changesOrProblems(
        await reload((next) => {
          Object.assign((next["listeners"] as object[])[0]!, { names: ["gw.example"] });
        }),
      ),
    ).toEqual(["listener second removed", "listeners.clients.names [] -> [gw.example]"]);
    // An open connection may send one more request; a new connection is refused.
    await expect(rawClient(Number(new URL(added!.url).port))).rejects.toThrow("ECONNREFUSED");
    await client.send(ask.replace("localhost", "gw.example"));
    expect((await client.reply()).status).toBe(401);
    client.close();
  });

  it.each<[string, (next: Config) => void, RegExp]>([
    [
      "a change of the journal's directory",
      (next) => {
        (next["audit"] as Record<string, unknown>).dir = "other";
      },
      /^OCSGW-6281 audit\.dir cannot change/,
    ],
    [
      "a change of the origin of checkpoints",
      (next) => {
        (next["audit"] as { checkpoint: object }).checkpoint = { key: "checkpoint.pem", origin: "other.example/x" };
      },
      /^OCSGW-6281 audit\.checkpoint cannot change/,
    ],
    [
      "a change of the admin listener's address",
      (next) => {
        next["admin"] = { bind: "127.0.0.1:1" };
      },
      /^OCSGW-6281 admin\.bind cannot change/,
    ],
    [
      "an unknown key",
      (next) => {
        next["tenats"] = [];
      },
      /^OCSGW-6101 unknown key `tenats`/,
    ],
  ])("rejects %s by name, and changes nothing", async (_what, change, says) => {
    await begin();
    const refused = await reload((next) => {
      change(next);
      tenant(next).clients = {};
    });
    expect(changesOrProblems(refused)).toEqual([expect.stringMatching(says)]);
    expect((await call("alpha")).status).toBe(200);
    expect(await status()).toMatchObject({
      ready: true,
      warnings: [
        expect.stringMatching(
          /^the config file was rejected and an earlier config is in force: .*ocsgw\.yaml:\d+:\d+: OCSGW-6/,
        ),
      ],
    });
    expect(await metric("ocsgw_config_reload_ok")).toBe("0");
    await write(config());
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "unchanged" });
    expect(await status()).toMatchObject({ warnings: [] });
    expect(await metric("ocsgw_config_reload_ok")).toBe("1");
  });

  it("rejects an address that another program uses, and changes nothing", async () => {
    await begin();
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    more.push(() => new Promise((resolve) => taken.close(resolve)));
    const { port } = taken.address() as { port: number };
    const refused = await reload((next) => {
      (next["listeners"] as object[]).push({ name: "second", bind: `127.0.0.1:${port}`, tls: "none" });
      tenant(next).clients = {};
    });
    expect(changesOrProblems(refused)).toEqual([
      expect.stringMatching(
        /^OCSGW-6282 the config could not be applied: cannot listen on .*: the address is in use by another process/,
      ),
    ]);
    expect((await call("alpha")).status).toBe(200);
  });

  it("is journaled with both hashes, whether it was applied or rejected", async () => {
    await begin();
    const first = (await status()).config_hash;
    const { hash } = await reload((next) => {
      tenant(next).share = 2;
    });
    await write("listeners: [");
    await gateway.gateway.reload();
    const entries = (await gateway.journal()).filter(
      (line): line is Extract<Recorded, { kind: "config" }> => line.kind === "config",
    );
    expect(entries).toMatchObject([
      { change: "reloaded", previous_hash: first, config_hash: hash, changes: ["Alpha Tenant: share 1 -> 2"] },
      {
        change: "refused",
        previous_hash: hash,
        detail: expect.stringMatching(/ocsgw\.yaml:1:\d+: OCSGW-6002 not YAML/) as string,
      },
    ]);
    expect(entries[1]!.config_hash).not.toBe(hash);
  });

  it("names a policy test that fails, without its phone number", async () => {
    await begin();
    const refused = await reload((next) => {
      next["tests"] = [{ as: "alpha", do: "POST /phones/4155550177?req=DoNotCall", expect: "OCSGW-2101" }];
    });
    expect(changesOrProblems(refused)).toEqual([expect.stringMatching(/^OCSGW-6272 alpha POST \/phones\/4155550177/)]);
    expect(await status()).toMatchObject({
      warnings: [expect.stringContaining("OCSGW-6272 tests[0].expect fails or is malformed")],
    });
    expect(JSON.stringify([await status(), await gateway.journal()])).not.toContain("4155550177");
  });

  it("applies keys that were created or revoked in the keys file", async () => {
    await begin();
    const file = join(gateway.dir, "keys.yaml");
    const keys = await readFile(file, "utf8");
    await writeFile(file, keys.replace(/(id: alpha[\s\S]*?created: \S+)/, "$1\n    revoked: 2026-01-02T00:00:00Z"));
    expect(changesOrProblems(await gateway.gateway.reload())).toEqual([
      "identity.keys.file: content of keys.yaml changed",
    ]);
    expect([(await call("alpha")).status, (await call("beta")).status]).toEqual([401, 200]);
  });
});

const status = async (): Promise<Record<string, unknown>> => {
  const { body } = await request(`${gateway.gateway.admin!}/api/status`, {
    headers: { Authorization: "Bearer token" },
  });
  return (await body.json()) as Record<string, unknown>;
};
const metric = async (name: string): Promise<string | undefined> =>
  new RegExp(`^${name} (\\S+)$`, "m").exec(await (await request(`${gateway.gateway.admin!}/metrics`)).body.text())?.[1];

describe("the admin listener", () => {
  it("reloads the config for holders of the token only", async () => {
    await begin();
    await write(
      config((next) => {
        tenant(next).share = 3;
      }),
    );
    const post = (authorization: string) =>
      request(`${gateway.gateway.admin!}/api/reload`, { method: "POST", headers: { Authorization: authorization } });
    expect((await post("Bearer wrong")).statusCode).toBe(401);
    const done = await post("Bearer token");
    expect([done.statusCode, await done.body.json()]).toMatchObject([
      200,
      { outcome: "reloaded", changes: ["Alpha Tenant: share 1 -> 3"] },
    ]);
    await write("nonsense");
    const refused = await post("Bearer token");
    expect([refused.statusCode, await refused.body.json()]).toMatchObject([
      422,
      { outcome: "refused", problems: [{ code: "OCSGW-6103", line: 1 }] },
    ]);
  });
});

describe("a gateway that watches its files", () => {
  it("applies changes made during the start, and a file that only a rejected config named", async () => {
    await begin(undefined, watchAll);
    await write(
      config((next) => {
        watchAll(next);
        tenant(next).clients = {};
      }),
    );
    more.unshift(await keepReloading(gateway.gateway));
    await vi.waitFor(async () => expect(await call("alpha")).toMatchObject({ status: 401 }), { timeout: 30_000 });
    const crt = (next: Config): void => {
      watchAll(next);
      next["identity"] = {
        keys: { file: "keys.yaml" },
        jwt: [{ name: "idp", issuer: "https://idp.example/", audience: "gw", jwks_file: "later/jwks.json" }],
      };
    };
    await mkdir(join(gateway.dir, "later"));
    await write(config(crt));
    await vi.waitFor(
      async () => expect(await status()).toMatchObject({ warnings: [expect.stringContaining("OCSGW-6252")] }),
      { timeout: 30_000 },
    );
    const key = {
      ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }),
      kid: "k1",
      alg: "ES256",
      use: "sig",
    };
    await writeFile(join(gateway.dir, "later/jwks.json"), JSON.stringify({ keys: [key] }));
    await vi.waitFor(async () => expect(await call("alpha")).toMatchObject({ status: 200 }), { timeout: 30_000 });
    expect(await status()).toMatchObject({ warnings: [] });
  });

  it("reads nothing again when nothing has changed since the start", async () => {
    await begin();
    const reload = vi.fn(gateway.gateway.reload);
    more.unshift(
      await keepReloading({ reload, files: gateway.gateway.files, config: gateway.gateway.config, watch: "all" }),
    );
    expect(gateway.gateway.files.size).toBeGreaterThan(0);
    expect(reload).not.toHaveBeenCalled();
  });

  it("reloads on a SIGHUP that arrives before the first check of the files", async () => {
    await begin();
    const reload = vi.fn(gateway.gateway.reload);
    const { files, config: ofConfig } = gateway.gateway;
    const keeping = keepReloading({ reload, files, config: ofConfig, watch: "none" });
    process.emit("SIGHUP");
    more.unshift(await keeping);
    expect(reload.mock.calls).toEqual([[{ by: "SIGHUP" }]]);
  });

  it("reads once for all reload requests that arrive during a reading", async () => {
    await begin();
    await write("nonsense");
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => gateway.gateway.reload()));
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["refused"]));
    expect((await gateway.journal()).filter(({ kind }) => kind === "config").length).toBeLessThan(3);
  });
});

describe("watched files", () => {
  const watching = async (
    files: readonly string[],
    reading: (text: string) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<{ seen: string[] }> => {
    const seen: string[] = [];
    const changed = async (): Promise<void> => {
      const text = await readFile(files[0]!, "utf8").catch(() => "none");
      await reading(text);
      seen.push(text);
    };
    more.push(await watchFiles({ files: () => new Map(files.map((each) => [each, undefined])), changed }));
    return { seen };
  };

  it("are reported again when they change while they are read", async () => {
    await begin();
    const file = join(gateway.dir, "watched");
    await writeFile(file, "one");
    const { seen } = await watching([file], async (text) => {
      if (text === "the first ha") await writeFile(file, "the first half, and the second");
    });
    await writeFile(file, "the first ha");
    await vi.waitFor(() => expect(seen).toEqual(["the first ha", "the first half, and the second"]), {
      timeout: 30_000,
    });
  });

  it("are reported when their folder is deleted and created again", async () => {
    await begin();
    const folder = join(gateway.dir, "folder");
    const file = join(folder, "watched");
    const put = async (text: string): Promise<void> => {
      await mkdir(folder);
      await writeFile(file, text);
    };
    await put("one");
    const { seen } = await watching([file]);
    await rm(folder, { recursive: true });
    await vi.waitFor(() => expect(seen).toEqual(["none"]), { timeout: 30_000 });
    await put("two");
    await vi.waitFor(() => expect(seen.at(-1)).toBe("two"), { timeout: 30_000 });
    await writeFile(file, "three");
    await vi.waitFor(() => expect(seen.at(-1)).toBe("three"), { timeout: 30_000 });
  });

  // On a busy disk, a burst that lasts longer than the pause between two checks counts as two.
  it(
    "are reported once for a burst of writes, and not when the same bytes are written again",
    { retry: 2 },
    async () => {
      await begin();
      const file = join(gateway.dir, "watched");
      await writeFile(file, "one");
      const { seen } = await watching([file]);
      for (const text of ["two", "three", "four"]) await writeFile(file, text);
      await vi.waitFor(() => expect(seen).toEqual(["four"]), { timeout: 30_000 });
      await writeFile(file, "four");
      await chmod(file, 0o600);
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(seen).toEqual(["four"]);
    },
  );

  it.each<[what: string, put: (path: string) => unknown]>([
    ["a FIFO that nobody writes to", (path) => execFileSync("mkfifo", [path])],
    ["a file of 10 GiB", (path) => writeFile(path, "").then(() => truncate(path, 10 * 2 ** 30))],
    ["a folder with a YAML file", (path) => mkdir(path).then(() => writeFile(join(path, "a.yaml"), ""))],
  ])("are reported without blocking when %s replaces them, and when a file is back", async (_what, put) => {
    await begin();
    const file = join(gateway.dir, "watched");
    await writeFile(file, "one");
    const seen: string[] = [];
    const changed = async (): Promise<void> => {
      const found = await stat(file).catch(() => undefined);
      seen.push(found ? (found.isFile() && found.size < 1000 ? "file" : "other") : "none");
    };
    more.push(await watchFiles({ files: () => new Map([[file, undefined]]), changed }));
    await rm(file);
    await put(file);
    await vi.waitFor(() => expect(seen.at(-1)).toBe("other"), { timeout: 30_000 });
    await rm(file, { recursive: true });
    await writeFile(file, "one");
    await vi.waitFor(() => expect(seen.at(-1)).toBe("file"), { timeout: 30_000 });
  });

  it("are reported when an editor replaces them", async () => {
    await begin();
    const file = join(gateway.dir, "watched");
    await writeFile(file, "one");
    const { seen } = await watching([file]);
    await writeFile(`${file}~`, "two");
    await rename(`${file}~`, file);
    await vi.waitFor(() => expect(seen).toEqual(["two"]), { timeout: 30_000 });
  });

  it("are reported when Kubernetes swaps the link beside them", async () => {
    await begin();
    const mount = join(gateway.dir, "mount");
    const version = async (name: string, text: string): Promise<void> => {
      await mkdir(join(mount, name), { recursive: true });
      await writeFile(join(mount, name, "ocsgw.yaml"), text);
      await symlink(name, join(mount, "..data_tmp"));
      await rename(join(mount, "..data_tmp"), join(mount, "..data"));
    };
    await version("..2026_01", "one");
    await symlink("..data/ocsgw.yaml", join(mount, "ocsgw.yaml"));
    const { seen } = await watching([join(mount, "ocsgw.yaml")]);
    await version("..2026_02", "two");
    await rm(join(mount, "..2026_01"), { recursive: true });
    await vi.waitFor(() => expect(seen).toEqual(["two"]), { timeout: 30_000 });
    await version("..2026_03", "three");
    await vi.waitFor(() => expect(seen).toEqual(["two", "three"]), { timeout: 30_000 });
  });
});
