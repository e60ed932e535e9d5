import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { request } from "undici";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { ocsgw, root, run, startSandbox, type RunningSandbox } from "../kit/command.ts";
import { twoTenants } from "../kit/gateway.ts";

let ocs: RunningSandbox;
let gateway: ChildProcess;
let dir: string;
let key: string;
let log = "";
let ports: { clients: number; admin: number };
const issuer = await generateKeyPair("ES256");

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

const config = (): string => join(dir, "ocsgw.yaml");

beforeAll(async () => {
  ocs = await startSandbox(["--ocs-only"]);
  dir = await mkdtemp(join(tmpdir(), "ocsgw-run-"));
  ports = { clients: await freePort(), admin: await freePort() };
  const authority = createAuthority("test");
  const { certPem, keyPem } = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
  await writeFile(join(dir, "ca.pem"), authority.certPem);
  await writeFile(join(dir, "server.crt"), certPem);
  await writeFile(join(dir, "server.key"), keyPem, { mode: 0o600 });
  await writeFile(
    join(dir, "jwks.json"),
    JSON.stringify({ keys: [{ ...(await exportJWK(issuer.publicKey)), kid: "k1", alg: "ES256", use: "sig" }] }),
  );
  const base = twoTenants(ocs.ready.ocs.primary_https);
  (base.tenants[0] as Record<string, unknown>).limits = { actions: { AddRecord: { rate: "1/m", burst: 2 } } };
  await writeFile(
    config(),
    stringify(
      {
        ...base,
        listeners: [
          { name: "clients", bind: `127.0.0.1:${ports.clients}`, tls: { cert: "server.crt", key: "server.key" } },
        ],
        identity: {
          keys: { file: "keys.yaml" },
          jwt: [
            {
              name: "idp",
              issuer: "https://idp.example/",
              audience: "ocs-gateway",
              jwks_file: "jwks.json",
              claims: { client: "azp", tenant: "ocs_tenant" },
            },
          ],
        },
        upstreams: { ocs: { primary: ocs.ready.ocs.primary_https, tls: { ca: ocs.ready.ca } } },
        admin: { bind: `127.0.0.1:${ports.admin}` },
      },
      { aliasDuplicateObjects: false },
    ),
  );
  const created = await ocsgw("keys", "create", "--client", "alpha", "-c", config());
  expect(created.code).toBe(0);
  key = created.stdout.trim();
  gateway = spawn(process.execPath, [join(root, "src/cli/main.ts"), "run", "-c", config()], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  gateway.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  while ((await ocsgw("healthcheck", "-c", config())).code !== 0) if (gateway.exitCode !== null) throw new Error(log);
});
afterAll(async () => {
  gateway.kill("SIGKILL");
  await ocs.stop();
  await ocs.remove();
  await rm(dir, { recursive: true, force: true });
});

const curl = async (...args: string[]): Promise<string> => {
  const { stdout, stderr } = await run("curl", ["-sSi", "--cacert", join(dir, "ca.pem"), ...args]);
  return stdout + stderr;
};
const url = (path: string): string => `https://localhost:${ports.clients}${path}`;

const token = (claims: Record<string, unknown>, expires = "5m"): Promise<string> =>
  new SignJWT({ azp: "alpha", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "k1" })
    .setIssuer("https://idp.example/")
    .setAudience("ocs-gateway")
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(issuer.privateKey);

describe("ocsgw run", () => {
  it("serves a key as Basic and in X-Api-Key", async () => {
    expect(await curl("-u", `alpha:${key}`, "-X", "POST", url("/phones/4155550130?req=DoNotCall"))).toMatch(
      /^HTTP\/1\.1 200 OK[\s\S]*Ocsgw-Origin: ocs/,
    );
    expect(await curl("-H", `X-Api-Key: ${key}`, "-X", "POST", url("/phones/4155550131?req=DoNotCall"))).toMatch(
      /^HTTP\/1\.1 200 OK/,
    );
  });

  it("serves a token, narrowed by its tenant claim", async () => {
    const call = async (claims: Record<string, unknown>, expires?: string): Promise<string> =>
      curl("-H", `Authorization: Bearer ${await token(claims, expires)}`, url("/campaigngroups"));
    expect(await call({})).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*Alpha Campaign@Alpha Agents/);
    expect(await call({ ocs_tenant: 101 })).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(await call({ ocs_tenant: "Beta Tenant" })).toMatch(/^HTTP\/1\.1 401 /);
    expect(await call({}, "-5m")).toMatch(/^HTTP\/1\.1 401 [\s\S]*WWW-Authenticate: /);
    expect(await call({ azp: "nobody" })).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("says the same of every credential that is not usable", async () => {
    const refusals = await Promise.all([
      curl("-u", "alpha:wrong", url("/campaigngroups")),
      curl("-u", `beta:${key}`, url("/campaigngroups")),
      curl("-H", "Authorization: Bearer a.b.c", url("/campaigngroups")),
      curl(url("/campaigngroups")),
    ]);
    const bodies = refusals.map((reply) => reply.slice(reply.indexOf("<HTML>")));
    expect(new Set(bodies).size).toBe(1);
    expect(refusals.every((reply) => reply.includes("Ocsgw-Code: OCSGW-2001"))).toBe(true);
  });

  it("limits an action, and says by how much", async () => {
    const add = (): Promise<string> =>
      curl(
        "-u",
        `alpha:${key}`,
        "-H",
        "Content-Type: application/json",
        "-d",
        '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550140","GSW_TZ_NAME":"PST"}',
        url("/lists/Alpha%20List?req=AddRecord"),
      );
    expect(await add()).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*RateLimit-Policy: "AddRecord";q=2;w=120\r\nRateLimit: "AddRecord";r=1;t=\d+/,
    );
    expect(await add()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await add()).toMatch(/^HTTP\/1\.1 429 [\s\S]*Retry-After: \d+[\s\S]*Ocsgw-Code: OCSGW-3001/);
    expect(await curl("-u", `alpha:${key}`, "-X", "POST", url("/phones/4155550132?req=DoNotCall"))).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });

  it("tells probes that it is alive and ready, and nobody more", async () => {
    const admin = `http://127.0.0.1:${ports.admin}`;
    expect(await (await request(`${admin}/readyz`)).body.json()).toEqual({ status: "ready", reasons: [] });
    expect((await request(`${admin}/healthz`)).statusCode).toBe(200);
    expect((await request(`${admin}/api/status`)).statusCode).toBe(401);
    expect((await request(`${admin}/campaigngroups`)).statusCode).toBe(404);
  });

  it("says 4001 at once when OCS is gone, and that nothing was sent", async () => {
    await ocs.stop();
    const reply = await curl(
      "-u",
      `alpha:${key}`,
      "-H",
      "Accept: application/problem+json",
      "-X",
      "POST",
      url("/phones/4155550133?req=DoNotCall"),
    );
    expect(reply).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*Ocsgw-Delivery: not-sent[\s\S]*Ocsgw-Code: OCSGW-4001[\s\S]*"code":"OCSGW-4001"/,
    );
  });

  it("stops with exit code 0, and its journal verifies", async () => {
    const exit = new Promise((resolve) => gateway.once("exit", resolve));
    gateway.kill("SIGTERM");
    expect(await exit, log).toBe(0);
    const verified = await ocsgw("audit", "verify", "-c", config());
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/^OK/m)]);
    expect((await ocsgw("healthcheck", "-c", config())).code).toBe(5);
    for (const text of [log, verified.stdout]) expect(text).not.toMatch(/41555501\d\d/);
    expect(log).not.toContain(key);
    expect(await readFile(join(dir, "keys.yaml"), "utf8")).not.toContain(key);
  });
});

describe("from a checkout", () => {
  it("npm run ocsgw is ocsgw, on the Node that the package brings", async () => {
    const { code, stdout } = await run("npm", ["run", "--silent", "ocsgw", "--", "check", "-c", "config/ocsgw.yaml"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^ok {2}config\/ocsgw\.yaml: 2 tenants/m)]);
  });
});
