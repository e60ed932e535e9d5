/**
 * The certificate that OCS shows: whatever is wrong with it, not a byte of a request leaves, and the client hears that
 * nothing was sent.
 */
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ecKeys, testAuthority, type Made } from "../kit/certificates.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const DAY = 86_400_000;
const ca = testAuthority("OCS's CA");
const another = testAuthority("Another CA");
const below = ca.below({ cn: "OCS's issuing CA", pathLength: 0 });
const tooDeep = below.below({ cn: "one too many" });
const narrow = ca.below({ cn: "OCS's narrow CA", permitted: ["ocs.test"] });
const bridge = { cn: "OCS's bridge", keys: ecKeys() };
const [between, crossed, ended] = [
  ca.below(bridge),
  another.below(bridge),
  another.below({ ...bridge, from: -2 * DAY, to: -DAY }),
];
const names = { names: ["127.0.0.1", "localhost"], usage: "serverAuth" } as const;
const [good, revoked, lower] = [ca.issue(names), ca.issue(names), below.issue(names)];
const [nameless, elsewhere, foreign] = [
  ca.issue({ cn: "localhost", usage: "serverAuth" }),
  ca.issue({ ...names, names: ["ocs.test"] }),
  another.issue(names),
];
const pinOf = ({ certPem }: Made): string =>
  `sha256:${createHash("sha256")
    .update(new X509Certificate(certPem).publicKey.export({ type: "spki", format: "der" }))
    .digest("base64")}`;
const crl = ca.crl({ revoked: [revoked] }) + below.crl() + narrow.crl();

/** `ca` and `crl` are PEM. */
type Case = {
  readonly shows: Made;
  readonly ca?: string;
  readonly crl?: string;
  readonly pins?: readonly string[];
  readonly host?: string;
  readonly server_name?: string;
};

const TAKEN: Readonly<Record<string, Case>> = {
  "its authority's": { shows: good },
  "its authority's, by another": { shows: lower },
  "one that is not on the revocation list": { shows: good, crl },
  "one whose whole path is not on the revocation lists": { shows: lower, crl },
  "one with a pinned key": { shows: good, pins: [pinOf(lower), pinOf(good)] },
  "one with a pinned key in place of a name": { shows: nameless, pins: [pinOf(nameless)] },
  "one for another host, with a pinned key": { shows: elsewhere, pins: [pinOf(elsewhere)] },
  "one for the name that is expected": { shows: ca.issue({ ...names, names: ["ocs.test"] }), server_name: "ocs.test" },
  "one over a bridge that a second root has signed": { shows: crossed.issue(names), ca: another.certPem + ca.certPem },
  "one over a bridge whose ended certificate stands first": {
    shows: ended.issue(names),
    ca: another.certPem + ended.certPem + ca.certPem + between.certPem,
  },
  "one for a name within its authority's": {
    shows: narrow.issue({ ...names, names: ["a.ocs.test"] }),
    server_name: "a.ocs.test",
  },
};

const REFUSED: Readonly<Record<string, Case>> = {
  "has expired": { shows: ca.issue({ ...names, from: -2 * DAY, to: -DAY }) },
  "is not valid yet": { shows: ca.issue({ ...names, from: DAY }) },
  "is for another host": { shows: ca.issue({ ...names, names: ["ocs.test"] }) },
  "is for the host, and another name is expected": { shows: good, server_name: "ocs.test" },
  "has the host as common name only": { shows: ca.issue({ cn: "localhost", usage: "serverAuth" }), host: "localhost" },
  "has the host as common name, and an address of another": {
    shows: ca.issue({ ...names, cn: "localhost", names: ["192.0.2.1"] }),
    host: "localhost",
  },
  "has the host in a wildcard of all": { shows: ca.issue({ ...names, names: ["*"] }), host: "localhost" },
  "is of an unknown root": { shows: another.issue(names) },
  "is over an ended bridge to the root that is configured": { shows: ended.issue(names), ca: another.certPem },
  "is over a bridge to another root": { shows: crossed.issue(names) },
  "is of a root that nobody configured": { shows: good, ca: another.certPem },
  "is below one authority too many": { shows: tooDeep.issue(names) },
  "is outside its authority's names": { shows: narrow.issue({ ...names, names: ["localhost"] }), host: "localhost" },
  "is for clients": { shows: ca.issue({ ...names, usage: "clientAuth" }) },
  "was revoked": { shows: revoked, crl },
  "is of an authority that was revoked": { shows: lower, crl: ca.crl({ revoked: [below] }) + below.crl() },
  "has a revocation list that has ended": { shows: good, crl: ca.crl({ to: -1000 }) },
  "has no revocation list of its authority": { shows: good, crl: another.crl() },
  "has no name, and no pinned key": { shows: nameless },
  "has no name, and another key than the pinned one": { shows: nameless, pins: [pinOf(good)] },
  "has a pinned key, and is of an unknown root": { shows: foreign, pins: [pinOf(foreign)] },
  "has a pinned key, and another name than the expected one": {
    shows: good,
    pins: [pinOf(good)],
    server_name: "ocs.test",
  },
  "has a pinned key, and was revoked": { shows: revoked, pins: [pinOf(revoked)], crl },
  "has another key than the pinned one": { shows: good, pins: [pinOf(lower)] },
};

const cases = Object.entries({ ...TAKEN, ...REFUSED });
const clientOf = (name: string): string => `client-${cases.findIndex(([each]) => each === name)}`;

describe("an OCS whose certificate", () => {
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-server-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const upstreams = new Map<string, RawOcs>();
  let gateway: TestGateway;

  beforeAll(async () => {
    for (const [name, { shows }] of cases)
      upstreams.set(name, await rawOcs(undefined, { tls: { certPem: shows.chainPem, keyPem: shows.keyPem } }));
    const [tenant] = twoTenants("").tenants as [{ clients: { alpha: unknown } }];
    gateway = await aGateway(
      {
        ...twoTenants(""),
        upstreams: Object.fromEntries(
          cases.map(([name, each], at) => [
            `ocs-${at}`,
            {
              primary: `https://${each.host ?? "127.0.0.1"}:${upstreams.get(name)!.port}`,
              queue: { max_wait: "1s" },
              tls: {
                ca: file(`${at}.ca`, each.ca ?? ca.certPem),
                ...(each.crl !== undefined && { crl: file(`${at}.crl`, each.crl) }),
                ...(each.pins && { pins: each.pins }),
                ...(each.server_name !== undefined && { server_name: each.server_name }),
              },
            },
          ]),
        ),
        tenants: cases.map((_, at) => ({
          ...tenant,
          name: `Tenant ${at}`,
          dbid: 200 + at,
          upstream: `ocs-${at}`,
          clients: { [`client-${at}`]: tenant.clients.alpha },
          records: "dedicated",
        })),
      },
      cases.map(([name]) => clientOf(name)),
    );
  }, 60_000);
  afterAll(async () => {
    await gateway.stop();
    for (const ocs of upstreams.values()) await ocs.close();
    rmSync(dir, { recursive: true });
  });

  const ask = (name: string): Promise<Response> =>
    fetch(`${gateway.url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { authorization: basic(clientOf(name)) },
    });

  it.each(Object.keys(TAKEN))("is accepted gets the request: %s", async (name) => {
    expect((await ask(name)).status).toBe(200);
    expect(upstreams.get(name)!.bytes()).toContain("POST /phones/4155550100");
  });

  it.each(Object.keys(REFUSED))("is rejected gets no byte of it: %s", async (name) => {
    const answer = await ask(name);
    expect([answer.status, answer.headers.get("ocsgw-code"), answer.headers.get("ocsgw-delivery")]).toEqual([
      503,
      "OCSGW-4001",
      "not-sent",
    ]);
    expect(upstreams.get(name)!.bytes()).toBe("");
  });
});
