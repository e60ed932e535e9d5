/** Who another gateway must be, and what it may ask then. */
import { describe, expect, it } from "vitest";
import { PeerDesk, type PeerTrust } from "../../../src/admin/peers/by-peer.ts";
import { askingOf, ASKING } from "../../../src/admin/peers/asking.ts";
import { Challenges, isSameProof, newNonce, proofOfQuestion } from "../../../src/admin/peers/proofs.ts";
import { askPeer } from "../../../src/admin/peers/peer-client.ts";
import { ROUTES } from "../../../src/admin/routes.ts";
import { TOKEN_HOLDER, type Viewer } from "../../../src/admin/viewer.ts";
import type { Peer } from "../../../src/common/message.ts";
import { anArrival, text } from "../../kit/line.ts";
import { auditor } from "../api/kit.ts";
import { aNode, certificatesOf, credentialsOf, KEY, type Trust } from "./kit.ts";

const NEXT: Viewer = { ...TOKEN_HOLDER, name: "somebody with another credential" };
const ada = auditor([101]);
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const deskOf = (trust: Partial<PeerTrust> | undefined): PeerDesk =>
  new PeerDesk({
    node: "gw-b",
    trust: () => trust && { key: undefined, needsCertificate: false, ...trust },
    hostsOf: (node) => (node === "gw-a" ? ["gw-a.example.com"] : []),
  });

type Sent = {
  readonly node?: string;
  readonly key?: string;
  readonly challenge?: string;
  readonly nonce?: string;
  /** What is sent; the proof is of `GET /api/flows` for ada. */
  readonly target?: string;
  readonly method?: string;
  readonly viewer?: Viewer;
  readonly asking?: string;
  readonly peer?: Peer;
};

const judged = async (desk: PeerDesk, sent: Sent = {}): Promise<string> => {
  const { node = "gw-a", key = KEY, nonce = newNonce(), target = "/api/flows", method = "GET", peer } = sent;
  const challenge = sent.challenge ?? desk.challenge(node, nonce)?.challenge ?? "";
  const exchange = { asking: node, asked: "gw-b", nonce, challenge };
  const proof = proofOfQuestion(key, exchange, { method: "GET", target: "/api/flows", viewer: askingOf(ada) });
  const asking = sent.asking ?? askingOf(sent.viewer ?? ada);
  const arrival = anArrival({
    method,
    target,
    headers: [
      ["Authorization", `Ocsgw-Peer ${encoded({ node, nonce, challenge, proof })}`],
      [ASKING, asking],
    ],
  });
  const found = await desk.before(() => NEXT)({ ...arrival, peer });
  return "rejected" in found
    ? `${found.rejected.status} ${text(found.rejected)}`
    : `${found.name} ${found.roles.join()} ${String(found.tenants)} ${found.via} ${found.node}`;
};

const certificate = (names: string[], fault?: string): Peer => ({
  names,
  thumbprint: "",
  authorities: [],
  ...(fault !== undefined && { fault }),
});
const CERTIFICATES = { needsCertificate: true };

describe("a gateway that asks", () => {
  it.each<[string, Partial<PeerTrust> | undefined, Sent, RegExp]>([
    ["with the key", { key: KEY }, {}, /^ada auditor 101 session gw-a$/],
    ["with another key", { key: KEY }, { key: `${KEY}!` }, /^401 .*another shared.peers.common_key/],
    ["with a proof of another path", { key: KEY }, { target: "/api/access" }, /^401 .*another shared.peers.common_key/],
    ["with a proof of another method", { key: KEY }, { method: "POST" }, /^401 .*another shared.peers.common_key/],
    ["with a proof for another user", { key: KEY }, { viewer: TOKEN_HOLDER }, /^401 .*another shared.peers.common_key/],
    ["with a challenge of its own making", { key: KEY }, { challenge: "99999999.x.y" }, /^401 .*challenge is unknown/],
    ["without a config of peers here", undefined, {}, /^401 .*no shared.peers/],
    ["without a certificate", CERTIFICATES, {}, /^401 .*no client certificate/],
    ["with its certificate", CERTIFICATES, { peer: certificate(["gw-a"]) }, /^ada auditor/],
    ["with one of its host", CERTIFICATES, { peer: certificate(["gw-a.example.com"]) }, /^ada auditor/],
    ["with that of another gateway", CERTIFICATES, { peer: certificate(["gw-c", "a.b"]) }, /^401 .*names neither/],
    ["with an expired one", CERTIFICATES, { peer: certificate(["gw-a"], "it has expired") }, /^401 .*it has expired/],
    [
      "with a certificate, but without the key",
      { ...CERTIFICATES, key: KEY },
      { key: "x", peer: certificate(["gw-a"]) },
      /^401/,
    ],
    ["with the key, but without a certificate", { ...CERTIFICATES, key: KEY }, {}, /^401/],
    ["under a malformed name", { key: KEY }, { node: "gw a" }, /^401 .*malformed/],
    ["for nobody", CERTIFICATES, { asking: "", peer: certificate(["gw-a"]) }, /^400/],
    [
      "for a user with unknown tenants",
      CERTIFICATES,
      { asking: encoded({ name: "x", roles: [], tenants: "most", via: "token" }), peer: certificate(["gw-a"]) },
      /^400/,
    ],
    [
      "for a user with an unknown role",
      CERTIFICATES,
      {
        asking: encoded({ name: "x", roles: ["root", "viewer"], tenants: [], via: "session" }),
        peer: certificate(["gw-a"]),
      },
      /^x viewer {2}session gw-a$/,
    ],
  ])("%s", async (_, trust, sent, expected) => {
    expect(await judged(deskOf(trust), sent)).toMatch(expected);
  });

  it("cannot use a challenge twice, for another gateway, or after half a minute", () => {
    let now = 1000;
    const challenges = new Challenges(() => now);
    const of = (asking: string, challenge: string) => ({ asking, nonce: "n".repeat(20), challenge });
    const one = challenges.make("gw-a", "n".repeat(20));
    expect(challenges.fault(of("gw-c", one))).toBe("unknown");
    expect(challenges.fault(of("gw-a", one))).toBeUndefined();
    expect(challenges.fault(of("gw-a", one))).toBe("used");
    const late = challenges.make("gw-a", "n".repeat(20));
    now += 30_001;
    expect(challenges.fault(of("gw-a", late))).toBe("expired");
    expect(new Challenges(() => now).fault(of("gw-a", challenges.make("gw-a", "n".repeat(20))))).toBe("unknown");
    expect(isSameProof("a", "ab")).toBe(false);
  });

  it("leaves every other credential to those who know it", async () => {
    const desk = deskOf({ key: KEY });
    for (const headers of [[], [["Authorization", "Bearer x"]], [["Cookie", "Ocsgw-Peer x"]]] as const)
      expect(await desk.before(() => NEXT)(anArrival({ target: "/api/flows", headers }))).toBe(NEXT);
  });

  it("may read evidence and nothing else", () => {
    const asked = ROUTES.flatMap((row) =>
      row.roles !== "anyone" && row.peers !== undefined ? [`${row.method} ${row.path}`] : [],
    );
    expect(asked.toSorted()).toEqual([
      "DELETE /api/audit/exports/{id}",
      "GET /api/audit/exports/{id}",
      "GET /api/audit/exports/{id}/file",
      "GET /api/audit/search",
      "GET /api/dnc/ledger",
      "GET /api/dnc/open",
      "GET /api/flows",
      "GET /api/flows/{id}",
      "GET /api/peers/requests/{id}",
      "GET /api/requests/{id}",
      "POST /api/audit/exports",
      "POST /api/audit/look-up",
    ]);
  });

  it.each<[string, () => Trust]>([
    ["a key", () => ({ key: KEY })],
    ["certificates", () => ({ ca: certificatesOf() })],
    ["both", () => ({ key: KEY, ca: certificatesOf() })],
  ])("gets answers over a socket with %s, and 403 for what is not evidence", async (_, trust) => {
    const how = trust();
    const b = await aNode("gw-b", how);
    try {
      const peer = { at: { node: "gw-b", address: b.address }, credentials: credentialsOf("gw-a", how) };
      const ask = (target: string, method: "GET" | "POST" = "GET") =>
        askPeer(
          peer,
          {
            method,
            target,
            viewer: TOKEN_HOLDER,
            gone: new AbortController().signal,
            ...(method === "POST" && { body: {} }),
          },
          { ms: 10_000, bytes: 1 << 20 },
        );
      expect(await ask("/api/flows")).toMatchObject({ status: 200 });
      for (const [target, method] of [
        ["/api/access", "GET"],
        ["/api/status", "GET"],
        ["/api/nodes/flows", "GET"],
        ["/api/revocations", "POST"],
        ["/api/reload", "POST"],
      ] as const)
        expect([target, (await ask(target, method)).status]).toEqual([target, 403]);
      const wrong = { ...peer, at: { ...peer.at, node: "gw-c" } };
      await expect(
        askPeer(
          wrong,
          { method: "GET", target: "/api/flows", viewer: ada, gone: new AbortController().signal },
          { ms: 10_000, bytes: 1 << 20 },
        ),
      ).rejects.toThrow(/answers .*node.*: correct shared.peers.address/);
    } finally {
      await b.stop();
    }
  });
});
