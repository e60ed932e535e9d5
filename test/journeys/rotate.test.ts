/** The commands of the page on rotating keys and certificates, run while clients keep sending. */
import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Agent as HttpsAgent, createServer, request, type Server } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AddressInfo } from "node:net";
import { connect, type PeerCertificate, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ecPair, es256 } from "../identity/kit.ts";
import { testAuthority } from "../kit/certificates.ts";
import { keyFor, twoTenants } from "../kit/gateway.ts";
import { aPageGateway, scriptsOf, type PageGateway } from "../kit/page-gateway.ts";

const authorities = Object.fromEntries(
  ["server", "clients", "ocs", "gateway"].flatMap((name) =>
    ["old", "new"].map((age) => [`${age} ${name}`, testAuthority(`${age} ${name} CA`)]),
  ),
);
const ca = (name: string) => authorities[name]!;
const server = (age: string) =>
  ca(`${age} server`).issue({ cn: `${age} listener`, names: ["127.0.0.1"], usage: "serverAuth" });
const client = (age: string) => ca(`${age} clients`).issue({ cn: age, names: ["ors-1.example"], usage: "clientAuth" });
const toOcs = (age: string) => ca(`${age} gateway`).issue({ cn: `${age} gateway`, names: ["gw"], usage: "clientAuth" });
const ofOcs = (age: string) => ca(`${age} ocs`).issue({ cn: `${age} ocs`, names: ["127.0.0.1"], usage: "serverAuth" });

const issuers = { old: ecPair(), new: ecPair() };
const jwk = (age: "old" | "new") => ({
  ...issuers[age].publicKey.export({ format: "jwk" }),
  kid: age,
  alg: "ES256",
  use: "sig",
});
const token = (age: "old" | "new"): string => {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: "https://idp.example", aud: "ocs-gateway", azp: "alpha-jwt", iat, exp: iat + 600 };
  return es256(issuers[age].privateKey, { alg: "ES256", kid: age, typ: "JWT" }, { ...claims, jti: randomUUID() });
};

/** An OCS that lets in only the gateway, and notes by which certificate. */
let ocs: Server;
const gatewaysSeen = new Set<string>();
const startOcs = async (): Promise<number> => {
  const [{ certPem, keyPem }, trusted] = [ofOcs("old"), [ca("old gateway").certPem, ca("new gateway").certPem]];
  ocs = createServer(
    { cert: certPem, key: keyPem, ca: trusted, requestCert: true, rejectUnauthorized: true, keepAliveTimeout: 0 },
    ({ socket }, response) => {
      gatewaysSeen.add(String(((socket as TLSSocket).getPeerCertificate() as PeerCertificate).subject.CN));
      response.writeHead(200, { "Content-Length": 0 }).end();
    },
  ).listen(0, "127.0.0.1");
  await new Promise((resolve) => ocs.once("listening", resolve));
  return (ocs.address() as AddressInfo).port;
};

type Sender = { headers: Record<string, string>; agent: HttpsAgent };
const senders = new Map<string, Sender>();
const failures: string[] = [];
let [isOver, answered] = [false, 0];
const trust = [ca("old server").certPem, ca("new server").certPem];
const agentOf = (own: { cert?: string; key?: string } = {}, keepAlive = true): HttpsAgent =>
  new HttpsAgent({ keepAlive, maxSockets: 1, ca: trust, ...own });

let gateway: PageGateway;
const ask = ({ headers, agent }: Sender): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: gateway.ports.clients,
        path: "/phones/4155550100?req=DoNotCall",
        method: "POST",
        headers,
        agent,
      },
      (reply) => {
        reply
          .resume()
          .once("end", () => resolve(reply.statusCode!))
          .once("error", reject);
      },
    );
    sent.once("error", reject).end();
  });
const keepSending = async (name: string): Promise<void> => {
  while (!isOver) {
    const status = await ask(senders.get(name)!).catch((error: Error) => error.message);
    if (status === 200) answered++;
    else failures.push(`${name}: ${status}`);
    await sleep(20);
  }
};
const basicAuth = (key: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`alpha-crm:${key}`).toString("base64")}`,
});

let scripts: ReadonlyMap<string, readonly string[]>;
/** Runs one block, and resolves once every client got some more answers. */
const block = async (heading: string, number: number): Promise<string> => {
  const script = scripts.get(heading)?.[number];
  if (script === undefined) throw new Error(`${heading} has no block ${number}`);
  const { code, stdout, stderr } = await gateway.run(script);
  expect({ heading, number, code, stderr: code === 0 ? "" : stderr + stdout }).toEqual({
    heading,
    number,
    code: 0,
    stderr: "",
  });
  const before = answered;
  await expect.poll(() => answered - before, { timeout: 20_000 }).toBeGreaterThan(3 * senders.size);
  return stdout;
};
/** The common name of the certificate that a new connection gets. */
const listenerShows = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: gateway.ports.clients, host: "127.0.0.1", ca: trust }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("error", reject);
  });

let sending: Promise<void>[];
beforeAll(async () => {
  scripts = await scriptsOf("rotate.md");
  const port = await startOcs();
  gateway = await aPageGateway(({ clients, admin }) => {
    const base = twoTenants(`https://127.0.0.1:${port}`);
    const [alpha, beta] = base.tenants as [{ clients: object }, object];
    const actions = ["DoNotCall"];
    return {
      version: 1,
      ...base,
      listeners: [
        {
          name: "clients",
          bind: `127.0.0.1:${clients}`,
          tls: {
            cert: "tls/server.crt",
            key: "tls/server.key",
            client_ca: "tls/clients-ca.crt",
            client_certificates: "request",
          },
        },
      ],
      identity: {
        keys: { file: "keys.yaml" },
        mtls: [{ name: "internal", san_dns: "ors-*.example", client: "alpha-ors" }],
        jwt: [
          {
            name: "idp",
            issuer: "https://idp.example",
            audience: "ocs-gateway",
            jwks_file: "jwks.json",
            algorithms: ["ES256"],
            claims: { client: "azp" },
          },
        ],
      },
      upstreams: {
        ocs: {
          primary: `https://127.0.0.1:${port}`,
          tls: { ca: "tls/ocs-ca.crt", cert: "tls/gateway.crt", key: "tls/gateway.key" },
        },
      },
      tenants: [
        {
          ...alpha,
          clients: Object.fromEntries(["alpha-crm", "alpha-ors", "alpha-jwt"].map((name) => [name, { actions }])),
        },
        beta,
      ],
      audit: {
        dir: "audit",
        index_key: "${file:secrets/index.key}",
        checkpoint: { key: "secrets/checkpoint.pem", origin: "test.example/journal" },
      },
      admin: { bind: `127.0.0.1:${admin}`, users: { file: "admins.yaml" } },
    };
  });
  // One line, because the page edits it.
  const config = await readFile(join(gateway.dir, "config/ocsgw.yaml"), "utf8");
  expect(config).toMatch(/^  index_key: \$\{file:secrets\/index\.key\}$/m);
  const hash = `sha256:${createHash("sha256").update(keyFor("alpha-crm")).digest("hex")}`;
  const keys = [{ id: "alpha-crm", client: "alpha-crm", hash, created: "2026-01-01T00:00:00Z" }];
  const made = { server: server("old"), gateway: toOcs("old") };
  const next = { server: server("new"), gateway: toOcs("new") };
  await gateway.write({
    "config/keys.yaml": stringify({ version: 1, keys }),
    "config/jwks.json": JSON.stringify({ keys: [jwk("old")] }),
    "config/secrets/index.key": "a secret of the first epoch, for this test only\n",
    "config/tls/server.crt": made.server.certPem,
    "config/tls/server.key": made.server.keyPem,
    "config/tls/clients-ca.crt": ca("old clients").certPem,
    "config/tls/gateway.crt": made.gateway.certPem,
    "config/tls/gateway.key": made.gateway.keyPem,
    "config/tls/ocs-ca.crt": ca("old ocs").certPem,
    "new/server.crt": next.server.certPem,
    "new/server.key": next.server.keyPem,
    "new/clients-ca.crt": ca("new clients").certPem,
    "new/gateway.crt": next.gateway.certPem,
    "new/gateway.key": next.gateway.keyPem,
    "new/ocs-ca.crt": ca("new ocs").certPem,
    "new/jwks-both.json": JSON.stringify({ keys: [jwk("old"), jwk("new")] }),
    "new/jwks.json": JSON.stringify({ keys: [jwk("new")] }),
    "new/password": "another long password of anna\n",
  });
  const begun = await gateway.run(
    "echo 'the first long password of anna' | ocsgw admins create --name anna --role auditor && systemctl start ocsgw",
  );
  expect({ ...begun, stdout: "" }).toEqual({ code: 0, stdout: "", stderr: expect.any(String) as string });
  const { certPem: cert, keyPem: key } = client("old");
  senders.set("key", { headers: basicAuth(keyFor("alpha-crm")), agent: agentOf() });
  senders.set("new connections", { headers: basicAuth(keyFor("alpha-crm")), agent: agentOf({}, false) });
  senders.set("certificate", { headers: {}, agent: agentOf({ cert, key }) });
  senders.set("token", { headers: { Authorization: `Bearer ${token("old")}` }, agent: agentOf() });
  sending = [...senders.keys()].map(keepSending);
}, 120_000);
afterAll(async () => {
  isOver = true;
  await Promise.all(sending ?? []);
  for (const { agent } of senders.values()) agent.destroy();
  await gateway?.stop();
  ocs?.closeAllConnections();
  await new Promise((resolve) => ocs.close(resolve));
}, 120_000);

describe("the page on rotating keys and certificates", { timeout: 180_000 }, () => {
  it("replaces an API key", async () => {
    await block("API keys", 0);
    const key = (await readFile(join(gateway.dir, "new/alpha-crm.key"), "utf8")).trim();
    const old = senders.get("key")!;
    // The gateway notices the changed file within a moment.
    await expect.poll(() => ask({ headers: basicAuth(key), agent: agentOf({}, false) }), { timeout: 10_000 }).toBe(200);
    for (const name of ["key", "new connections"]) senders.get(name)!.headers = basicAuth(key);
    await sleep(200);
    expect(await block("API keys", 1)).toContain("alpha-crm");
    await block("API keys", 2);
    expect(await ask({ ...old, headers: basicAuth(keyFor("alpha-crm")) })).toBe(401);
    expect(failures).toEqual([]);
  });

  it("replaces the certificate of a listener, and back", async () => {
    expect(await listenerShows()).toBe("old listener");
    await block("Certificate of a listener", 0);
    expect(await listenerShows()).toBe("new listener");
    await gateway.run("cp old/server.key old/server.crt new/");
    await block("Certificate of a listener", 0);
    expect(await listenerShows()).toBe("old listener");
    expect(failures).toEqual([]);
  });

  it("replaces the CA of the clients", async () => {
    await block("CA of the clients", 0);
    const { certPem: cert, keyPem: key } = client("new");
    const before = senders.get("certificate")!;
    senders.set("certificate", { headers: {}, agent: agentOf({ cert, key }) });
    await sleep(200);
    await block("CA of the clients", 1);
    const { certPem, keyPem } = client("old");
    const late = agentOf({ cert: certPem, key: keyPem });
    expect(await ask({ headers: {}, agent: late })).toBe(401);
    expect(await ask(before)).toBe(401);
    for (const agent of [late, before.agent]) agent.destroy();
    expect(failures).toEqual([]);
  });

  it("replaces the certificate towards OCS", async () => {
    expect([...gatewaysSeen]).toEqual(["old gateway"]);
    await block("Certificate towards OCS", 0);
    await expect.poll(() => [...gatewaysSeen], { timeout: 20_000 }).toEqual(["old gateway", "new gateway"]);
    gatewaysSeen.clear();
    await expect.poll(() => [...gatewaysSeen], { timeout: 20_000 }).toEqual(["new gateway"]);
    expect(failures).toEqual([]);
  });

  it("replaces the CA of OCS", async () => {
    await block("CA of OCS", 0);
    const { certPem, keyPem } = ofOcs("new");
    ocs.setSecureContext({ cert: certPem, key: keyPem, ca: [ca("old gateway").certPem, ca("new gateway").certPem] });
    await block("CA of OCS", 1);
    expect(failures).toEqual([]);
  });

  it("replaces the keys of a token issuer", async () => {
    await block("Key sets of token issuers", 0);
    senders.get("token")!.headers = { Authorization: `Bearer ${token("new")}` };
    await sleep(200);
    await block("Key sets of token issuers", 1);
    expect(
      await ask({ headers: { Authorization: `Bearer ${token("old")}` }, agent: senders.get("token")!.agent }),
    ).toBe(401);
    expect(failures).toEqual([]);
  });

  it("adds an epoch of the index key, and a person is found under both", async () => {
    await block("Index key", 0);
    const { keys } = parse(await readFile(join(gateway.dir, "config/keys.yaml"), "utf8")) as { keys: unknown[] };
    expect(keys.length).toBe(2);
    const { code, stdout } = await gateway.run(
      "ocsgw audit search --phone-stdin --purpose rotation --json --limit 5000 <<< 4155550100",
    );
    const epochs = new Set([...stdout.matchAll(/"phone":"(t\d):/g)].map(([, epoch]) => epoch));
    expect({ code, epochs }).toEqual({ code: 0, epochs: new Set(["t1", "t2"]) });
    expect(failures).toEqual([]);
  });

  it("replaces a password of the console", async () => {
    const login = async (password: string): Promise<number> => {
      const url = `http://127.0.0.1:${gateway.ports.admin}/api/session`;
      const body = JSON.stringify({ name: "anna", password });
      return (
        await fetch(url, {
          method: "POST",
          body,
          headers: { "Content-Type": "application/json", Origin: new URL(url).origin },
        })
      ).status;
    };
    expect(await login("the first long password of anna")).toBe(200);
    await block("Users of the console", 0);
    expect(await login("another long password of anna")).toBe(200);
    expect(await login("the first long password of anna")).toBe(401);
    expect(failures).toEqual([]);
  });

  it("replaces the checkpoint key and the admin token by restarts; the journal verifies with both keys", async () => {
    isOver = true;
    await Promise.all(sending);
    const admin = (): Promise<string> => readFile(join(gateway.dir, "config/audit/admin.token"), "utf8");
    const [token1, run2] = [
      await admin(),
      async (heading: string, number: number) => gateway.run(scripts.get(heading)![number]!),
    ];
    expect((await run2("Checkpoint key", 0)).code).toBe(0);
    const verified = await run2("Checkpoint key", 1);
    expect({ code: verified.code, said: verified.stdout + verified.stderr }).toEqual({
      code: 0,
      said: expect.any(String) as string,
    });
    const keys = (await readFile(join(gateway.dir, "config/audit/checkpoint.pub"), "utf8")).trim().split("\n");
    expect(keys.length).toBe(2);
    expect((await run2("Admin token", 0)).code).toBe(0);
    expect(await admin()).not.toBe(token1);
    expect(failures).toEqual([]);
  });

  it("has no block that this test does not run", () => {
    expect([...scripts].flatMap(([heading, all]) => (all.length > 0 ? [`${heading}: ${all.length}`] : []))).toEqual([
      "API keys: 3",
      "Certificate of a listener: 1",
      "CA of the clients: 2",
      "Certificate towards OCS: 1",
      "CA of OCS: 2",
      "Key sets of token issuers: 2",
      "Index key: 1",
      "Users of the console: 1",
      "Checkpoint key: 2",
      "Admin token: 1",
    ]);
  });
});
