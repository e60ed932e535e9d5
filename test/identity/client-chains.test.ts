/** Client certificates as they are shown to a live listener: who comes in, and everything that must not. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rsaKeys, selfSigned, testAuthority, type Made, type TestAuthority } from "../kit/certificates.ts";
import { aGateway, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const DAY = 86_400_000;
const [alphaCa, betaCa, strangers] = [
  testAuthority("Alpha CA"),
  testAuthority("Beta CA"),
  testAuthority("Strangers' CA"),
];
const weak = testAuthority("Alpha RSA CA", { keys: rsaKeys(2048) });
const short = alphaCa.below({ cn: "Alpha issuing CA", pathLength: 0 });
const tooDeep = short.below({ cn: "one too many" });
const narrow = alphaCa.below({ cn: "Alpha narrow CA", permitted: ["internal.alpha.test"] });
const server = testAuthority("Server CA").issue({ names: ["127.0.0.1", "localhost"], usage: "serverAuth" });

const good = { names: ["ors-1.alpha.test"], usage: "clientAuth" } as const;
const revoked = alphaCa.issue(good);

const chainOf = (length: number): Made => {
  let authority: TestAuthority = alphaCa;
  for (let depth = 2; depth < length; depth++) authority = authority.below({ cn: `Alpha CA ${depth}` });
  return authority.issue(good);
};

/** All of them would be a client of Alpha's, but for the one thing. */
const REFUSED: Readonly<Record<string, () => Made>> = {
  "has expired": () => alphaCa.issue({ ...good, from: -2 * DAY, to: -DAY }),
  "is not valid yet": () => alphaCa.issue({ ...good, from: DAY }),
  "is for servers": () => alphaCa.issue({ ...good, usage: "serverAuth" }),
  "has no extended key usage": () => alphaCa.issue({ names: good.names }),
  "is an authority's": () => alphaCa.issue({ ...good, isAuthority: true }),
  "may sign certificates": () => alphaCa.issue({ ...good, signsCertificates: true }),
  "signs itself": () => selfSigned(good),
  "is of an unknown authority": () => strangers.issue(good),
  "is of another tenant's authority": () => betaCa.issue(good),
  "has another tenant's name": () => alphaCa.issue({ ...good, names: ["ors-1.beta.test"] }),
  "has names of two clients": () => alphaCa.issue({ ...good, names: ["ors-1.alpha.test", "crm.alpha.test"] }),
  "has its name as common name only": () => alphaCa.issue({ cn: "ors-1.alpha.test", usage: "clientAuth" }),
  "has a wildcard": () => alphaCa.issue({ ...good, names: ["ors-1.alpha.test", "*.alpha.test"] }),
  "has a NUL in its name": () => alphaCa.issue({ ...good, names: ["ors-1.alpha.test\0.evil.test"] }),
  "has a name that is not ASCII": () =>
    alphaCa.issue({ ...good, names: ["ors-1.\u00e4lpha.test", "ors-1.alpha.test"] }),
  "hides a second name in one": () => alphaCa.issue({ ...good, names: ["x.test, DNS:ors-1.alpha.test"] }),
  "is below one authority too many": () => tooDeep.issue(good),
  "is outside its authority's names": () => narrow.issue(good),
  "has an RSA key of 1024 bits": () => alphaCa.issue({ ...good, keys: rsaKeys(1024) }),
  "is signed with SHA-1": () => weak.issue({ ...good, digest: "sha1" }),
  "is signed with MD5": () => weak.issue({ ...good, digest: "md5" }),
  "is of version 1": () => alphaCa.issue({ ...good, version1: true }),
  "was revoked": () => revoked,
  "is below an authority that the listener does not know": () => alphaCa.below({ cn: "brought along" }).issue(good),
  "has a chain of 20": () => chainOf(20),
};

type Seen = { readonly status: number; readonly body: string } | { readonly broken: string };

/** A client that shows what it has, also what its own library would not. */
const ask = (port: number, made: Made | undefined, headers: Record<string, string> = {}): Promise<Seen> =>
  new Promise((resolve) => {
    const asking = request(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        path: "/phones/4155550100?req=DoNotCall",
        agent: false,
        rejectUnauthorized: false,
        ciphers: "DEFAULT@SECLEVEL=0",
        ...(made && { cert: made.chainPem, key: made.keyPem }),
        headers: { "Content-Length": "0", Accept: "application/problem+json", ...headers },
      },
      (reply) => {
        let body = "";
        reply
          .on("data", (chunk: Buffer) => (body += chunk.toString()))
          .on("end", () =>
            resolve({ status: reply.statusCode!, body: body.replaceAll(/01[0-9A-HJKMNP-TV-Z]{24}/g, "<id>") }),
          );
      },
    );
    asking.on("error", (error: NodeJS.ErrnoException) => resolve({ broken: error.code ?? error.message })).end();
  });

const dir = mkdtempSync(join(tmpdir(), "ocsgw-chains-"));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text, { mode: 0o600 });
  return join(dir, name);
};
const crls = (...more: readonly string[]): string =>
  [
    alphaCa.crl({ revoked: [revoked] }),
    betaCa.crl(),
    weak.crl(),
    short.crl(),
    tooDeep.crl(),
    narrow.crl(),
    ...more,
  ].join("");

const gatewayWith = (ocs: RawOcs, crl: string | undefined, certificates = "request"): Promise<TestGateway> => {
  const config = twoTenants(ocs.url);
  const [alpha, beta] = config.tenants as { clients: Record<string, unknown> }[];
  alpha!.clients["alpha-crm"] = alpha!.clients["alpha"];
  beta!.clients["beta-ors"] = beta!.clients["beta"];
  const [alphaFile, betaFile, weakFile] = [
    file("alpha.pem", alphaCa.certPem),
    file("beta.pem", betaCa.certPem),
    file("weak.pem", weak.certPem),
  ];
  return aGateway({
    ...config,
    listeners: [
      {
        name: "clients",
        bind: "127.0.0.1:0",
        tls: {
          cert: file("server.crt", server.certPem),
          key: file("server.key", server.keyPem),
          client_certificates: certificates,
          client_ca: file(
            "clients.pem",
            [alphaCa, betaCa, weak, short, tooDeep, narrow].map(({ certPem }) => certPem).join(""),
          ),
          ...(crl !== undefined && { client_crl: file(`${Math.random()}.crl`, crl) }),
        },
      },
    ],
    identity: {
      keys: { file: "keys.yaml" },
      mtls: [
        { name: "alpha", san_dns: "ors-*.alpha.test", client: "alpha", ca: alphaFile, tenants: ["Alpha Tenant"] },
        { name: "alpha-weak", san_dns: "ors-*.alpha.test", client: "alpha", ca: weakFile, tenants: ["101"] },
        { name: "alpha-internal", san_dns: "ors-*.internal.alpha.test", client: "alpha", ca: alphaFile },
        { name: "crm", san_dns: "crm.alpha.test", client: "alpha-crm", ca: alphaFile },
        { name: "beta", san_dns: "ors-*.beta.test", client: "beta-ors", ca: betaFile },
        { name: "no-tenant", san_dns: "alone.alpha.test", client: "alpha", ca: alphaFile, tenants: ["Beta Tenant"] },
      ],
    },
  });
};

describe("a client's certificate", () => {
  let ocs: RawOcs;
  let gateway: TestGateway;
  /** Without revocation lists, so that a case is refused for what it is and not because a list is missing. */
  let listless: TestGateway;
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    ocs = await rawOcs();
    gateway = await gatewayWith(ocs, crls());
    listless = await gatewayWith(ocs, undefined);
  });
  afterAll(async () => {
    for (const stop of [...stops, gateway.stop, listless.stop, ocs.close]) await stop();
    rmSync(dir, { recursive: true });
  });
  const other = async (crl: string | undefined, certificates?: string): Promise<TestGateway> => {
    const made = await gatewayWith(ocs, crl, certificates);
    stops.push(made.stop);
    return made;
  };

  it.each<[string, () => Made]>([
    ["of Alpha's authority", () => alphaCa.issue(good)],
    ["of Alpha's authority through another", () => short.issue(good)],
    ["of Beta's authority", () => betaCa.issue({ ...good, names: ["ORS-7.Beta.test"] })],
    ["with a name more", () => alphaCa.issue({ ...good, names: ["spare.test", ...good.names] })],
    ["of Alpha's RSA authority", () => weak.issue({ ...good, keys: rsaKeys(2048) })],
    ["within its authority's names", () => narrow.issue({ ...good, names: ["ors-1.internal.alpha.test"] })],
  ])("authenticates its client: %s", async (_, made) => {
    expect(await ask(gateway.port, made())).toMatchObject({ status: 200 });
  });

  it("is named in the journal", async () => {
    const made = alphaCa.issue(good);
    await ask(gateway.port, made);
    const intents = (await gateway.journal()).filter((line) => line.kind === "intent");
    expect(intents.at(-1)).toMatchObject({
      client: "alpha",
      credential: { kind: "certificate", id: made.thumbprint },
      tenant: { dbid: 101 },
    });
  });

  it("is required if no other credential is sent", async () => {
    expect(await ask(gateway.port, undefined)).toMatchObject({ status: 401 });
  });

  it.each(Object.entries(REFUSED))(
    "that %s is refused with the common text, and nothing is sent to OCS",
    async (says, make) => {
      const before = ocs.bytes().length;
      const made = make();
      for (const { port } of says === "was revoked" ? [gateway] : [gateway, listless]) {
        expect(await ask(port, made)).toEqual(await ask(port, undefined));
      }
      expect(ocs.bytes().length).toBe(before);
    },
  );

  it.each(["alpha", "beta"])("causes a refusal if it is invalid, even with the key of %s", async (client) => {
    const key = { Authorization: `Basic ${Buffer.from(`${client}:key-of-${client}`).toString("base64")}` };
    expect(await ask(gateway.port, undefined, key)).toMatchObject({ status: 200 });
    expect(await ask(gateway.port, revoked, key)).toMatchObject({ status: 401 });
    expect(await ask(gateway.port, strangers.issue(good), key)).toMatchObject({ status: 401 });
  });

  it("is accepted with a key of its client, but not of another client", async () => {
    const as = (client: string) => ({
      Authorization: `Basic ${Buffer.from(`${client}:key-of-${client}`).toString("base64")}`,
    });
    expect(await ask(gateway.port, alphaCa.issue(good), as("alpha"))).toMatchObject({ status: 200 });
    expect(await ask(gateway.port, alphaCa.issue(good), as("beta"))).toMatchObject({ status: 401 });
    expect(await ask(gateway.port, betaCa.issue({ ...good, names: ["ors-1.beta.test"] }), as("alpha"))).toMatchObject({
      status: 401,
    });
  });

  it("allows nothing if its rule lists no tenant of the client", async () => {
    expect(await ask(gateway.port, alphaCa.issue({ ...good, names: ["alone.alpha.test"] }))).toMatchObject({
      status: 401,
    });
  });

  it.each<[string, () => string]>([
    ["has ended", () => alphaCa.crl({ to: -1000 }) + short.crl() + betaCa.crl()],
    ["is another authority's", () => betaCa.crl()],
  ])("is rejected when the revocation list %s", async (_, crl) => {
    const { port } = await other(crl());
    expect(await ask(port, alphaCa.issue(good))).toMatchObject({ status: 401 });
  });

  it("is required if the listener demands it", async () => {
    const { port } = await other(undefined, "require");
    expect(await ask(port, alphaCa.issue(good))).toMatchObject({ status: 200 });
    expect(await ask(port, undefined)).toHaveProperty("broken");
    expect(await ask(port, strangers.issue(good))).toHaveProperty("broken");
  });
});
