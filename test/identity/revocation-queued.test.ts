/**
 * A request that waits in the queue is not sent once its client could not make it any more, whatever took that away.
 */
import { readFile, writeFile } from "node:fs/promises";
import { request as overHttps, type RequestOptions } from "node:https";
import { request as overHttp } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { testAuthority } from "../kit/certificates.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { OK, rawOcs, type RawConnection, type RawOcs } from "../kit/raw-ocs.ts";
import { anIssuer, ecPair, es256, jwkOf } from "./kit.ts";

const pair = ecPair();
const token = ({
  jti = "one",
  seconds = 600,
  ...claims
}: Record<string, unknown> & { readonly seconds?: number } = {}): string => {
  const now = Math.floor(Date.now() / 1000);
  const common = { iss: anIssuer().issuer, aud: "ocs-gateway", azp: "alpha", iat: now, exp: now + seconds, jti };
  return `Bearer ${es256(pair.privateKey, { alg: "ES256", kid: "k" }, { ...common, ...claims })}`;
};
const authority = testAuthority("clients");
const server = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
const certificate = authority.issue({ names: ["ors.alpha.test"], usage: "clientAuth" });
const asCertificate: RequestOptions = { cert: certificate.certPem, key: certificate.keyPem, ca: authority.certPem };

type Config = ReturnType<typeof twoTenants>;
type Tenants = { clients: Record<string, unknown>; name: string; upstream: string; dbid: number }[];
type Answer = {
  readonly status: number;
  readonly code: unknown;
  readonly delivery: unknown;
  readonly challenge: unknown;
  readonly body: string;
};

describe("a queued request", () => {
  let ocs: RawOcs;
  let gateway: TestGateway;
  let held: RawConnection | undefined;
  let config: Config;

  beforeEach(async () => {
    ocs = await rawOcs(({ head, connection }) => (head.includes("4155550111") ? void (held = connection) : OK));
    const { name, issuer, audience } = anIssuer();
    config = {
      ...twoTenants(ocs.url),
      listeners: [
        { name: "clients", bind: "127.0.0.1:0", tls: "none" },
        {
          name: "secure",
          bind: "127.0.0.1:0",
          tls: {
            cert: "server.crt",
            key: "server.key",
            client_ca: "ca.pem",
            client_crl: "crl.pem",
            client_certificates: "request",
          },
        },
      ],
      identity: {
        keys: { file: "keys.yaml" },
        jwt: [{ name, issuer, audience, jwks_file: "jwks.json", clock_skew: "10ms" }],
        mtls: [{ name: "ors", san_dns: "ors.alpha.test", client: "alpha" }],
      },
      admin: { bind: "127.0.0.1:0" },
    };
    Object.assign(config.upstreams["ocs"] as object, { connections: 1, queue: { max_wait: "20s" } });
    gateway = await aGateway(config, ["alpha", "beta"], {
      "server.crt": server.certPem,
      "server.key": server.keyPem,
      "ca.pem": authority.certPem,
      "crl.pem": authority.crl(),
      "jwks.json": JSON.stringify({ keys: [jwkOf(pair.publicKey, { kid: "k" })] }),
    });
  });
  afterEach(async () => {
    await gateway.stop();
    await ocs.close();
  });

  const call = (
    phone: string,
    { authorization, options = {} }: { readonly authorization?: string; readonly options?: RequestOptions },
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const secure = options.cert !== undefined;
      const { url } = gateway.gateway.listeners.find(({ name }) => name === (secure ? "secure" : "clients"))!;
      const send = secure ? overHttps : overHttp;
      const request = send(
        `${url}/phones/${phone}?req=DoNotCall`,
        {
          method: "POST",
          agent: false,
          ...(authorization !== undefined && { headers: { authorization } }),
          ...options,
        },
        (response) => {
          let body = "";
          response
            .setEncoding("utf8")
            .on("data", (text: string) => (body += text))
            .once("end", () => {
              const {
                "ocsgw-code": code,
                "ocsgw-delivery": delivery,
                "www-authenticate": challenge,
              } = response.headers;
              resolve({ status: response.statusCode!, code, delivery, challenge, body });
            });
        },
      );
      request.once("error", reject).end();
    });
  const waiting = async (): Promise<number> => {
    const answer = await fetch(`${gateway.gateway.admin!}/api/status`, { headers: { authorization: "Bearer token" } });
    const { upstreams } = (await answer.json()) as { upstreams: { queue: { waiting: number }[] }[] };
    return upstreams[0]!.queue.reduce((sum, each) => sum + each.waiting, 0);
  };
  const revoke = async (kind: string, id: string): Promise<void> => {
    const answer = await fetch(`${gateway.gateway.admin!}/api/revocations`, {
      method: "POST",
      headers: { authorization: "Bearer token" },
      body: JSON.stringify({ kind, id }),
    });
    expect(answer.status).toBe(200);
  };
  const reload = async (change: (config: Config) => void): Promise<void> => {
    const next = structuredClone(config);
    change(next);
    await writeFile(join(gateway.dir, "ocsgw.yaml"), stringify(next, { aliasDuplicateObjects: false }));
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
  };
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    await writeFile(join(gateway.dir, file), change(await readFile(join(gateway.dir, file), "utf8")), { mode: 0o600 });
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
  };
  const tenantsOf = (next: Config): Tenants => next.tenants as Tenants;
  const identityOf = (next: Config): Record<"jwt" | "mtls", Record<string, unknown>[]> => next["identity"] as never;

  /** Beta has the only lane; Alpha's request waits, then something happens, then the lane comes free. */
  const whileItWaits = async (as: Parameters<typeof call>[1], act: () => unknown): Promise<Answer> => {
    const first = call("4155550111", { authorization: basic("beta") });
    await expect.poll(() => held).toBeDefined();
    const answer = call("4155550122", as);
    await expect.poll(waiting).toBe(1);
    await act();
    held!.socket.write(OK);
    expect((await first).status).toBe(200);
    return answer;
  };
  const key = { authorization: basic("alpha") };

  it.each<[string, () => Parameters<typeof call>[1], () => unknown]>([
    ["its token was revoked", () => ({ authorization: token() }), () => revoke("token", "one")],
    ["its token's client was revoked", () => ({ authorization: token() }), () => revoke("client", "alpha")],
    ["its key was revoked", () => key, () => revoke("key", "alpha")],
    [
      "its key was revoked in the keys file",
      () => key,
      () =>
        edit("keys.yaml", (text) =>
          text.replace(/(id: alpha[\s\S]*?created: \S+)/, "$1\n    revoked: 2026-01-02T00:00:00Z"),
        ),
    ],
    [
      "its key was removed from the keys file",
      () => key,
      () => edit("keys.yaml", (text) => text.replace(/ {2}- id: alpha[\s\S]*?(?= {2}- id: beta)/, "")),
    ],
    ["its client was revoked", () => key, () => revoke("client", "alpha")],
    [
      "its client was removed from the config",
      () => key,
      () =>
        reload((next) => {
          tenantsOf(next)[0]!.clients = {};
        }),
    ],
    [
      "its client was moved to another tenant",
      () => key,
      () =>
        reload((next) => {
          const [alpha, beta] = tenantsOf(next);
          beta!.clients["alpha"] = alpha!.clients["alpha"];
          alpha!.clients = {};
        }),
    ],
    [
      "its tenant was removed from the config",
      () => key,
      () =>
        reload((next) => {
          next.tenants.shift();
        }),
    ],
    [
      "its tenant is named as before and has another DBID",
      () => key,
      () =>
        reload((next) => {
          tenantsOf(next)[0]!.dbid = 103;
        }),
    ],
    [
      "its issuer was removed from the config",
      () => ({ authorization: token() }),
      () =>
        reload((next) => {
          identityOf(next).jwt[0]!["issuer"] = "https://another.test/";
        }),
    ],
    [
      "its issuer may not speak for the tenant any more",
      () => ({ authorization: token() }),
      () =>
        reload((next) => {
          identityOf(next).jwt[0]!["tenants"] = ["Beta Tenant"];
        }),
    ],
    [
      "its issuer's key was replaced",
      () => ({ authorization: token() }),
      () => edit("jwks.json", () => JSON.stringify({ keys: [jwkOf(ecPair().publicKey, { kid: "k" })] })),
    ],
    [
      "its token has expired",
      () => ({ authorization: token({ seconds: 2 }) }),
      () => new Promise((resolve) => setTimeout(resolve, 3000)),
    ],
    [
      "its certificate was revoked",
      () => ({ options: asCertificate }),
      () => revoke("certificate", certificate.thumbprint),
    ],
    [
      "its certificate is on the CA's revocation list",
      () => ({ options: asCertificate }),
      () => edit("crl.pem", () => authority.crl({ revoked: [certificate] })),
    ],
    [
      "its certificate's rule was removed from the config",
      () => ({ options: asCertificate }),
      () =>
        reload((next) => {
          identityOf(next).mtls[0]!["san_dns"] = "other.alpha.test";
        }),
    ],
    [
      "the certificate sent with its key was revoked",
      () => ({ ...key, options: asCertificate }),
      () => revoke("certificate", certificate.thumbprint),
    ],
  ])(
    "is refused and not sent when %s",
    async (_what, as, act) => {
      const answer = await whileItWaits(as(), act);
      expect(answer).toMatchObject({
        status: 401,
        code: "OCSGW-2001",
        delivery: "not-sent",
        challenge: expect.stringMatching(/Bearer|Basic/) as string,
      });
      expect(answer.body).not.toMatch(/revoked|expired/);
      expect(ocs.bytes()).not.toContain("4155550122");
      expect(
        (await gateway.journal()).filter((entry) => entry.kind === "outcome" && entry.code === "OCSGW-2001"),
      ).toMatchObject([
        {
          status: 401,
          delivery: "not-sent",
          origin: "gateway",
          lane: null,
          reason: expect.stringContaining("while the request waited") as string,
        },
      ]);
    },
    30_000,
  );

  it.each<[string, () => Parameters<typeof call>[1], () => unknown]>([
    ["nothing happened", () => key, () => undefined],
    ["another client was revoked", () => key, () => revoke("client", "gamma")],
    ["another token of its client was revoked", () => ({ authorization: token() }), () => revoke("token", "two")],
    [
      "its tenant was given another name",
      () => key,
      () =>
        reload((next) => {
          tenantsOf(next)[0]!.name = "Renamed";
        }),
    ],
    [
      "its grant was narrowed: that is judged once",
      () => key,
      () =>
        reload((next) => {
          tenantsOf(next)[0]!.clients = { alpha: { actions: ["ReadStatus"] } };
        }),
    ],
    [
      "the list of revoked certificates was renewed",
      () => ({ options: asCertificate }),
      () => edit("crl.pem", () => authority.crl({ to: 9_000_000 })),
    ],
  ])("is still sent when %s", async (_what, as, act) => {
    expect(await whileItWaits(as(), act)).toMatchObject({ status: 200, delivery: "answered" });
    expect(ocs.bytes()).toContain("4155550122");
  });
});
