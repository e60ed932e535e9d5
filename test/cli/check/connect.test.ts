import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp, type Server } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { check } from "../../../src/cli/check/check.ts";
import type { Row } from "../../../src/cli/check/connect/row.ts";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { twoTenants } from "../../kit/gateway.ts";
import { anOpenIdProvider } from "../../kit/openid-provider.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";
import { patternOf } from "../../kit/pattern.ts";

type Config = ReturnType<typeof twoTenants>;

let dir: string;
let ocs: RawOcs;
let idp: Server;
let ahead = 0;

const jwk = {
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }),
  kid: "k1",
  alg: "ES256",
  use: "sig",
};
const groups = (...names: string[]): string => {
  const body = JSON.stringify({
    GSW_CM_MessageType: 46,
    CampaignGroups: Object.fromEntries(
      names.map((name) => [name, { GSW_CM_AttrCampaignID: 139, GSW_CM_AttrGroupID: 234 }]),
    ),
  });
  return (
    `HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nContent-type: application/json\r\nContent-length: ` +
    `${body.length}\r\n\r\n${body}`
  );
};
const KNOWN = ["Alpha Campaign@Alpha Agents", "Beta Campaign@Beta Agents"];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-connect-"));
  ocs = await rawOcs(() => groups(...KNOWN));
  ahead = 0;
  idp = createHttp((_request, response) =>
    response.setHeader("Date", new Date(Date.now() + ahead).toUTCString()).end(JSON.stringify({ keys: [jwk] })),
  );
  await new Promise<void>((resolve) => idp.listen(0, "127.0.0.1", resolve));
  await writeFile(join(dir, "keys.yaml"), "version: 1\nkeys: []\n");
});
afterEach(async () => {
  await ocs.close();
  idp.closeAllConnections();
  await new Promise((resolve) => idp.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

const jwks = (): string => `http://127.0.0.1:${(idp.address() as AddressInfo).port}/jwks.json`;
const issuer = (address: string): object => ({
  name: "idp",
  issuer: "https://idp.example/",
  audience: "gw",
  jwks_uri: address,
});

/** A port at which nothing listens. */
const freePort = async (): Promise<number> => {
  const free = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => free.once("listening", resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  return port;
};

const tried = async (
  change: (config: Config) => void = () => undefined,
  recordUri?: string,
): Promise<{ code: number; rows: Readonly<Record<string, Row>> }> => {
  const config = { ...twoTenants(ocs.url), identity: { keys: { file: "keys.yaml" }, jwt: [issuer(jwks())] } };
  change(config);
  await writeFile(join(dir, "ocsgw.yaml"), stringify(config, { aliasDuplicateObjects: false }));
  let said = "";
  const code = await check(
    { config: join(dir, "ocsgw.yaml"), json: true, connect: true, ...(recordUri !== undefined && { recordUri }) },
    { stdout: { write: (text) => (said += text) }, env: {} },
  );
  const { connect } = JSON.parse(said) as { readonly connect: readonly Row[] };
  return { code, rows: Object.fromEntries(connect.map((row) => [row.name, row])) };
};

describe("check --connect", () => {
  it("reports a working setup, and sends OCS a single request, for its groups", async () => {
    const { code, rows } = await tried();
    expect([code, Object.values(rows).map(({ name, state }) => `${name} ${state}`)]).toEqual([
      0,
      ["disk ok", "clock ok", "clients ok", "idp ok", "ocs ok", "groups ok"],
    ]);
    expect(rows["disk"]!.says[0]).toMatch(/audit: \d+ [GM]B free, a flush takes [\d.]+ ms$/);
    expect(rows["idp"]!.says[0]).toMatch(/jwks\.json: 1 key, fetched in \d+ ms$/);
    expect(rows["ocs"]!.says).toEqual([
      `primary ${ocs.url} keeps a connection open`,
      expect.stringMatching(/^GET \/campaigngroups: 200 from OCS\/8\.1\.524\.04 in \d+ ms$/),
    ]);
    expect([ocs.requests(), ocs.bytes().split("\r\n")[0]]).toEqual([1, "GET /campaigngroups HTTP/1.1"]);
    expect((await readdir(dir)).toSorted()).toEqual(["keys.yaml", "ocsgw.yaml"]);
  });

  it("asks the OpenID provider of the console for its configuration", async () => {
    const provider = await anOpenIdProvider();
    provider.serve("http://127.0.0.1:9640");
    const withProvider = (config: Config): void => {
      const oidc = { issuer: provider.issuer, client_id: "console", claims: { role: "roles" } };
      config["admin"] = { bind: "127.0.0.1:0", oidc };
    };
    const there = await tried(withProvider);
    expect([there.code, there.rows["oidc"]]).toEqual([
      0,
      { name: "oidc", state: "ok", says: [`${provider.issuer}: its configuration can be read`] },
    ]);
    await provider.stop();
    const gone = await tried(withProvider);
    expect([gone.code, gone.rows["oidc"]]).toEqual([
      5,
      {
        name: "oidc",
        state: "fail",
        says: [
          expect.stringMatching(`^${RegExp.escape(provider.issuer)}: .*connection refused$`),
          "check admin.oidc and the network: users of the provider cannot log in",
        ],
      },
    ]);
  });

  it("names what is unreachable, and ends with 5", async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const { code, rows } = await tried((config) => {
      Object.assign(config.upstreams["ocs"] as object, { primary: nowhere });
      (config["identity"] as { jwt: object[] }).jwt = [issuer(`${nowhere}/jwks.json`)];
    });
    expect(code).toBe(5);
    expect([rows["ocs"], rows["idp"]]).toEqual([
      { name: "ocs", state: "fail", says: [`primary ${nowhere} cannot be reached: connection refused`] },
      {
        name: "idp",
        state: "fail",
        says: [`${nowhere}/jwks.json: connection refused`, expect.stringContaining("check identity.jwt[].jwks_uri")],
      },
    ]);
    expect(rows["clock"]).toMatchObject({ state: "note" });
  });

  it("distinguishes the primary from the backup, and reports an unreachable backup", async () => {
    const backup = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    await new Promise((resolve) => backup.once("listening", resolve));
    const url = `http://127.0.0.1:${(backup.address() as AddressInfo).port}`;
    const states = async (over: object = {}): Promise<unknown> => {
      const { code, rows } = await tried((config) =>
        Object.assign(config.upstreams["ocs"] as object, { backup: url, ...over }),
      );
      return [code, rows["ocs"]!.state, rows["ocs"]!.says[1]];
    };
    expect(await states()).toEqual([
      0,
      "ok",
      `backup ${url} accepts a connection and closes it at once, as a standby does`,
    ]);
    expect(await states({ standby: "refuses" })).toEqual([
      0,
      "warn",
      `backup ${url} accepts a connection and closes it at once; expected for the standby: refuses`,
    ]);
    await new Promise((resolve) => backup.close(resolve));
    expect(await states()).toEqual([0, "warn", `backup ${url} cannot be reached: connection refused`]);
    expect(await states({ standby: "refuses" })).toEqual([
      0,
      "ok",
      `backup ${url} cannot be reached: connection refused, as a standby does`,
    ]);
    expect(await states({ standby: "accepts" })).toEqual([
      0,
      "warn",
      `backup ${url} cannot be reached: connection refused; expected for the standby: accepts`,
    ]);
  });

  it("accepts a standby that closes TLS connections before the handshake", async () => {
    const authority = createAuthority("ocs");
    const secure = await rawOcs(() => groups(...KNOWN), {
      tls: authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" }),
    });
    await writeFile(join(dir, "ca.crt"), authority.certPem);
    const backup = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await new Promise((resolve) => backup.once("listening", resolve));
    const url = `https://127.0.0.1:${(backup.address() as AddressInfo).port}`;
    const { code, rows } = await tried((config) =>
      Object.assign(config.upstreams["ocs"] as object, { primary: secure.url, backup: url, tls: { ca: "ca.crt" } }),
    );
    expect([code, rows["ocs"]!.state, rows["ocs"]!.says[1]]).toEqual([
      0,
      "ok",
      `backup ${url} accepts a connection and closes it at once, as a standby does`,
    ]);
    await new Promise((resolve) => backup.close(resolve));
    await secure.close();
  });

  it.each([
    [0, "ok"],
    [20, "warn"],
  ] as const)("shows the expiry of the listener's certificate, after %i days with state %s", async (days, state) => {
    const { certPem, keyPem } = createAuthority("test").issue({ names: ["127.0.0.1"], usage: "serverAuth" });
    await writeFile(join(dir, "server.crt"), certPem);
    await writeFile(join(dir, "server.key"), keyPem, { mode: 0o600 });
    vi.useFakeTimers({ now: Date.now() + days * 86_400_000, toFake: ["Date"] });
    try {
      const { rows } = await tried((config) => {
        Object.assign(config, {
          listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: { cert: "server.crt", key: "server.key" } }],
        });
      });
      const until = new X509Certificate(certPem).validToDate.toISOString().slice(0, 16);
      expect(rows["clients"]).toMatchObject({
        state,
        says: [expect.stringContaining(`is free, certificate valid until ${until}Z; `)],
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it("reports an untrusted certificate without sending a request", async () => {
    const { certPem, keyPem } = createAuthority("other").issue({ names: ["127.0.0.1"], usage: "serverAuth" });
    const secure = await rawOcs(undefined, { tls: { certPem, keyPem } });
    await writeFile(join(dir, "ca.crt"), createAuthority("trusted").certPem);
    const { code, rows } = await tried((config) =>
      Object.assign(config.upstreams["ocs"] as object, { primary: secure.url, tls: { ca: "ca.crt" } }),
    );
    expect([code, rows["ocs"]]).toEqual([
      5,
      {
        name: "ocs",
        state: "fail",
        says: [
          expect.stringMatching(
            /cannot be reached: OCS's certificate was not issued by a CA in tls\.ca \((SELF_SIGNED|UNABLE_TO)/,
          ),
        ],
      },
    ]);
    expect(secure.requests()).toBe(0);
    await secure.close();
  });

  it("reports campaign groups without a tenant, and configured groups that OCS does not know", async () => {
    ocs.script = () => groups(KNOWN[0]!, "Pilot@Agents North");
    const { code, rows } = await tried();
    expect([code, rows["groups"]]).toEqual([
      0,
      {
        name: "groups",
        state: "warn",
        says: [
          "ocs knows 2 campaign groups; 1 belong to tenants in this config",
          "these OCS campaign groups belong to no tenant in this config, so no client can control them (add them to " +
            'campaign_groups of a tenant): "Pilot@Agents North"',
          "unknown to OCS, so its list never shows them (correct the names in campaign_groups): " +
            '"Beta Campaign@Beta Agents"',
        ],
      },
    ]);
  });

  it("warns of a clock that differs by more than tokens may", async () => {
    ahead = 90_000;
    expect((await tried()).rows["clock"]).toMatchObject({
      state: "warn",
      says: [expect.stringMatching(/^(89|90|91) s behind/), expect.stringContaining("clock_skew (30 s)")],
    });
  });

  it("warns of a clock that is far off, also without tokens", async () => {
    const date = new Date(Date.now() - 120_000).toUTCString();
    ocs.script = () => groups(...KNOWN).replace("\r\n", `\r\nDate: ${date}\r\n`);
    const { rows } = await tried((config) => Object.assign(config, { identity: { keys: { file: "keys.yaml" } } }));
    expect(rows["clock"]).toMatchObject({
      state: "warn",
      says: [expect.stringMatching(/^(119|120|121) s ahead of/), expect.stringContaining("set the clocks by NTP")],
    });
  });

  it.each([
    ["another program", "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-length: 2\r\n\r\nhi"],
    ["a proxy without an OCS", "HTTP/1.1 404 Not Found\r\nContent-length: 0\r\n\r\n"],
  ])("warns of an address at which %s answers", async (_what, answer) => {
    ocs.script = () => answer;
    const { code, rows } = await tried();
    expect([code, rows["ocs"]!.state, rows["ocs"]!.says.at(-1)]).toEqual([
      0,
      "warn",
      expect.stringContaining("that is not OCS's list of campaign groups: check that the address is OCS's HTTP port"),
    ]);
  });

  it("tests the address of callbacks too", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const bind = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const { rows } = await tried((config) =>
      Object.assign(config.upstreams["ocs"] as object, { callbacks: { bind, allow_from: ["127.0.0.1"] } }),
    );
    await new Promise((resolve) => taken.close(resolve));
    expect(rows["callbacks:ocs"]).toMatchObject({
      state: "note",
      says: [expect.stringContaining(`${bind} is in use`), "without TLS"],
    });
  });

  it("reports an address that is in use, and an address of another machine", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { code, rows } = await tried((config) => {
      config["listeners"] = [
        { name: "used", bind: `127.0.0.1:${(taken.address() as AddressInfo).port}`, tls: "none" },
        { name: "foreign", bind: "192.0.2.1:8443", tls: "none", allow_from: ["10.0.0.0/8"] },
      ];
    });
    await new Promise((resolve) => taken.close(resolve));
    expect([code, rows["used"]!.state, rows["foreign"]]).toEqual([
      5,
      "note",
      { name: "foreign", state: "fail", says: ["cannot listen on 192.0.2.1:8443: this machine has no such address"] },
    ]);
  });

  it("warns of a GSW_RECORD_URI that bypasses the gateway", async () => {
    const port = await freePort();
    const bypass = async (uri: string): Promise<Row> =>
      (
        await tried((config) => {
          config["listeners"] = [{ name: "clients", bind: `127.0.0.1:${port}`, tls: "none" }];
        }, uri)
      ).rows["bypass"]!;
    expect(await bypass(`${ocs.url}/records/15`)).toMatchObject({
      state: "warn",
      says: expect.arrayContaining([`127.0.0.1:${ocs.port} is OCS itself, not this gateway.`]) as string[],
    });
    expect(await bypass(`http://localhost:${ocs.port}/records/15`)).toMatchObject({ state: "warn" });
    expect(await bypass(`http://127.0.0.1:${port}/records/15`)).toMatchObject({ state: "ok" });
    expect(await bypass("http://192.0.2.9:8080/records/15")).toMatchObject({ state: "note" });
    expect(await bypass("records/15")).toMatchObject({ state: "fail" });
  });

  it("prints its rows after the verdict on the file, and tests nothing for an invalid file", async () => {
    await writeFile(join(dir, "ocsgw.yaml"), stringify(twoTenants(ocs.url), { aliasDuplicateObjects: false }));
    let said = "";
    const host = { stdout: { write: (text: string) => (said += text) }, env: {} };
    expect(await check({ config: join(dir, "ocsgw.yaml"), connect: true }, host)).toBe(0);
    expect(said).toMatch(
      patternOf(
        /\nok {2}.*\. \d+ ms\n\n {2}disk {5}ok {4}.*\n/,
        / {2}clock {4}note {2}not checked: no contacted server sent a Date header\n[\s\S]*\n1 note\n$/,
      ),
    );
    await writeFile(join(dir, "ocsgw.yaml"), "version: 1\n");
    const before = ocs.requests();
    expect([await check({ config: join(dir, "ocsgw.yaml"), connect: true }, host), ocs.requests()]).toEqual([
      3,
      before,
    ]);
  });
});
