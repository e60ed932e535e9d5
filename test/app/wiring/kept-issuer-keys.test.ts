/** Issuers' keys kept on disk: the gateway accepts only those that it wrote itself. */
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { startGateway } from "../../../src/app/start.ts";
import type { Gateway } from "../../../src/app/gateway.ts";
import { events } from "../../../src/common/log/events.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { aConfigured, twoTenants } from "../../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";
import { anIssuer, ecPair, es256, jwkOf } from "../../identity/kit.ts";

const [pair, attackers] = [ecPair(), ecPair()];
const token = (key = pair): string => {
  const now = Math.floor(Date.now() / 1000);
  return es256(
    key.privateKey,
    { alg: "ES256", kid: "k" },
    { iss: anIssuer().issuer, aud: "ocs-gateway", azp: "alpha", iat: now, exp: now + 600, jti: `${Math.random()}` },
  );
};

describe("a gateway that starts while an issuer is unreachable", () => {
  let ocs: RawOcs;
  let issuer: Server;
  let isUp: boolean;
  let dir: string;
  let logged: string[];
  const kept = (): string => join(dir, "audit/jwks/corp.json");

  beforeEach(async () => {
    ocs = await rawOcs();
    isUp = true;
    issuer = createServer((_, reply) =>
      isUp ? reply.end(JSON.stringify({ keys: [jwkOf(pair.publicKey, { kid: "k" })] })) : reply.writeHead(503).end(),
    ).listen(0, "127.0.0.1");
    await new Promise((ready) => issuer.once("listening", ready));
    dir = await aConfigured(config(), ["alpha", "beta"]);
    logged = [];
    vi.spyOn(events, "issuerKeyCacheRejected").mockImplementation(
      ({ issuer: name, reason }) => void logged.push(`${name}: ${reason}`),
    );
    vi.spyOn(events, "issuerKeyCacheDisabled").mockImplementation(({ key }) => void logged.push(`disabled: ${key}`));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await ocs.close();
    await new Promise((closed) => issuer.close(closed));
    await rm(dir, { recursive: true, force: true });
  });

  const config = (checkpointKey = "checkpoint.pem"): ReturnType<typeof twoTenants> => {
    const made = twoTenants(ocs.url);
    const { name, issuer: iss, audience } = anIssuer();
    const address = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`;
    return {
      ...made,
      audit: { ...(made.audit as object), checkpoint: { key: checkpointKey, origin: "test.example/journal" } },
      identity: { jwt: [{ name, issuer: iss, audience, jwks_uri: address }] },
    };
  };
  const withGateway = async (work: (ask: (token: string) => Promise<number>) => Promise<void>): Promise<void> => {
    const loaded = await loadSettings(join(dir, "ocsgw.yaml"), {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const gateway: Gateway = await startGateway({
      settings: loaded.settings,
      configHash: loaded.hash,
      files: loaded.files,
      file: join(dir, "ocsgw.yaml"),
    });
    try {
      await work(
        async (shown) =>
          (
            await fetch(`${gateway.listeners[0]!.url}/phones/4155550100?req=DoNotCall`, {
              method: "POST",
              headers: { authorization: `Bearer ${shown}` },
            })
          ).status,
      );
    } finally {
      await gateway.stop("test");
    }
  };
  const fill = (): Promise<void> =>
    withGateway(async (ask) => {
      expect(await ask(token())).toBe(200);
      await expect.poll(() => existsSync(kept())).toBe(true);
    });

  it("accepts tokens with the issuer's keys that it kept on disk", async () => {
    await fill();
    isUp = false;
    await withGateway(async (ask) => expect(await ask(token())).toBe(200));
    expect(logged).toEqual([]);
  });

  it("rejects and reports kept keys that somebody replaced, and accepts those that it fetches later", async () => {
    await fill();
    const planted = (await readFile(kept(), "utf8"))
      .replace(String(jwkOf(pair.publicKey)["x"]), String(jwkOf(attackers.publicKey)["x"]))
      .replace(String(jwkOf(pair.publicKey)["y"]), String(jwkOf(attackers.publicKey)["y"]));
    await writeFile(kept(), planted);
    isUp = false;
    await withGateway(async (ask) => expect([await ask(token(attackers)), await ask(token())]).toEqual([503, 503]));
    expect(logged).toEqual([expect.stringMatching(/^corp: .*corp\.json does not verify/)]);
    isUp = true;
    await withGateway(async (ask) => expect(await ask(token())).toBe(200));
  });

  it("keeps no issuer's keys if the key that authenticates them lies in the same directory", async () => {
    await writeFile(
      join(dir, "ocsgw.yaml"),
      stringify(config("audit/checkpoint.pem"), { aliasDuplicateObjects: false }),
    );
    await withGateway(async (ask) => expect(await ask(token())).toBe(200));
    expect([existsSync(kept()), logged]).toEqual([
      false,
      [expect.stringMatching(/^disabled: .*audit\/checkpoint\.pem$/)],
    ]);
  });
});
