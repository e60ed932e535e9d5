/**
 * PEM in every shape that files come in: one reader for check, handshake, status and look-ups, and the same found by
 * each.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { connect } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { firstEnd } from "../../../src/admin/certificate-expiry.ts";
import { listen } from "../../../src/edge/listener.ts";
import { bytesOf } from "../../../src/common/message.ts";
import { certificatesIn, keyIn } from "../../../src/settings/files/certificates.ts";
import { connectTo } from "../../../src/upstream/lanes/endpoint.ts";
import { createValidatorClient } from "../../../src/callbacks/validator-client.ts";
import {
  certificatesOf,
  certificatesPem,
  listPems,
  PemFault,
  privateKeyPem,
  readPem,
} from "../../../src/common/x509/pem.ts";
import { testAuthority } from "../../kit/certificates.ts";
import { rawOcs } from "../../kit/raw-ocs.ts";

const root = testAuthority("Root");
const middle = root.below();
const other = testAuthority("Another");
const leaf = middle.issue({ names: ["127.0.0.1", "localhost"], usage: "serverAuth" });
const client = middle.issue({ names: ["one.test"], usage: "clientAuth" });

/** What operators and programs make of several blocks. */
const SHAPES: Readonly<Record<string, (...blocks: string[]) => string>> = {
  "as openssl writes it": (...blocks) => blocks.join(""),
  "joined without a line break": (...blocks) => blocks.map((block) => block.trim()).join(""),
  "each on one line": (...blocks) => blocks.map((block) => block.replaceAll("\n", "")).join("\n"),
  "with blanks for line breaks": (...blocks) => blocks.map((block) => block.trim().replaceAll("\n", " ")).join(" "),
  "with CRLF": (...blocks) => blocks.join("").replaceAll("\n", "\r\n"),
  "with CR": (...blocks) => blocks.join("").replaceAll("\n", "\r"),
  indented: (...blocks) => blocks.join("").replaceAll(/^(?=.)/gm, "    "),
  "behind a BOM": (...blocks) => `\ufeff${blocks.join("")}`,
  "with text between": (...blocks) =>
    blocks.map((block, at) => `subject=CN = ${at}\n-- ${at} --\n${block}\n`).join("\n"),
  "with blank lines inside": (...blocks) => blocks.join("").replaceAll("\n", "\n\n"),
  "under its older label": (...blocks) => blocks.join("").replaceAll(/(BEGIN|END) CERTIFICATE/g, "$1 X509 CERTIFICATE"),
};
const NAMES = Object.keys(SHAPES);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

describe.each(NAMES)("PEM %s", (name) => {
  const shaped = SHAPES[name]!;
  const bundle = shaped(root.certPem, middle.certPem, other.certPem);

  it("gives all readers the same certificates", () => {
    const wanted = [root, middle, other].map(({ certPem }) => new X509Certificate(certPem).fingerprint256);
    expect(certificatesOf(bundle).map((der) => new X509Certificate(der).fingerprint256)).toEqual(wanted);
    expect((certificatesIn(bundle) as readonly X509Certificate[]).map(({ fingerprint256 }) => fingerprint256)).toEqual(
      wanted,
    );
    expect(certificatesPem(bundle)).toBe([root, middle, other].map(({ certPem }) => certPem.trimEnd() + "\n").join(""));
    expect(firstEnd(bundle)?.notAfter).toBe(
      Math.min(...[root, middle, other].map(({ certPem }) => new X509Certificate(certPem).validToDate.getTime())),
    );
  });

  it("gives the same revocation lists and the same key", () => {
    expect(listPems(shaped(root.crl(), middle.crl()))).toHaveLength(2);
    const curve = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const sec1 = privateKey.export({ type: "sec1", format: "pem" }).toString();
    for (const text of [shaped(leaf.keyPem), shaped(leaf.certPem, leaf.keyPem)])
      expect(createPrivateKey(privateKeyPem(text)).equals(createPrivateKey(leaf.keyPem))).toBe(true);
    expect(createPrivateKey(privateKeyPem(shaped(curve, sec1))).equals(privateKey)).toBe(true);
    expect(typeof keyIn(shaped(curve, sec1))).toBe("object");
  });

  it("accepts clients at the handshake, and revokes them", async () => {
    const open = async (clientCrl: string | undefined): Promise<string> => {
      const tls = {
        cert: shaped(leaf.certPem, middle.certPem),
        key: shaped(leaf.keyPem),
        minVersion: "1.2" as const,
        clientCertificates: "request" as const,
        clientCa: bundle,
        clientCrl,
      };
      const listener = await listen(
        { name: "clients", host: "127.0.0.1", port: 0, tls, names: ["gw"], allowFrom: undefined, maxBody: 1024 },
        async (arrival) => ({
          status: 200,
          headers: [],
          body: bytesOf(arrival.peer?.fault ?? arrival.peer?.names.join(" ") ?? "nobody"),
        }),
      );
      stops.push(() => listener.stop(0));
      // The chain that the listener shows must reach the root as well.
      const socket = connect({
        port: listener.port,
        host: "127.0.0.1",
        ca: root.certPem,
        cert: client.certPem,
        key: client.keyPem,
      });
      stops.push(() => socket.destroy());
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
      socket.write("GET / HTTP/1.1\r\nHost: gw\r\n\r\n");
      await expect.poll(() => text).toContain("\r\n\r\n");
      await expect.poll(() => text.split("\r\n\r\n")[1]).not.toBe("");
      return text.split("\r\n\r\n")[1]!;
    };
    expect(await open(undefined)).toBe("one.test");
    expect(await open(shaped(root.crl(), middle.crl(), other.crl()))).toBe("one.test");
    expect(await open(shaped(root.crl(), middle.crl({ revoked: [client] }), other.crl()))).toMatch(/revoked/i);
  });

  it("is accepted for OCS and for the validator", async () => {
    const ocs = await rawOcs(undefined, { tls: { certPem: leaf.chainPem, keyPem: leaf.keyPem } });
    stops.push(ocs.close);
    const tls = {
      ca: shaped(other.certPem, root.certPem),
      crl: shaped(root.crl(), middle.crl()),
      cert: shaped(client.certPem, middle.certPem),
      key: shaped(client.keyPem),
    };
    const outcome = await new Promise((resolve) =>
      connectTo({ origin: `https://127.0.0.1:${ocs.port}`, tls, connectTimeout: 5000 }, (error, socket) => {
        socket?.destroy();
        resolve(error);
      }),
    );
    expect(outcome).toBeNull();
    const server = createHttps(
      { cert: leaf.chainPem, key: leaf.keyPem },
      (_, response) => void response.end("ok"),
    ).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    stops.push(() => (server.closeAllConnections(), server.close()));
    const relay = createValidatorClient({
      url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      timeout: 5000,
      ca: shaped(other.certPem, root.certPem),
      userAgent: "ocs-gateway/test",
    });
    stops.push(() => relay.close());
    expect(await relay.send(bytesOf("{}"), undefined)).toMatchObject({ reply: { status: 200 } });
  });
});

describe("every reader of PEM refuses, with a reason,", () => {
  const good = root.certPem;
  it.each<[string, string, RegExp]>([
    ["nothing", "", /no PEM certificate \(it is empty\)$/],
    ["text", "nothing of the kind", /no PEM certificate$/],
    ["DER", new X509Certificate(good).raw.toString("utf8"), /it looks like DER/],
    [
      "a last block that was cut",
      good + other.certPem.slice(0, 300),
      new RegExp(`the CERTIFICATE in line ${good.split("\n").length} has no END line`),
    ],
    ["a block in a block", `${good.slice(0, 200)}\n${good}`, /the CERTIFICATE in line 1 has no END line/],
    ["an end of another label", good.replace("END CERTIFICATE", "END X509 CRL"), /line 1 has no END line/],
    ["no base64", good.replace(/\n.{8}/, "\n????????"), /the CERTIFICATE in line 1 is not valid base64/],
    [
      "line breaks that are written as \\n",
      good.replaceAll("\n", "\\n"),
      /is not valid base64 \(its line breaks are written as \\n\)$/,
    ],
    ["an empty block", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", /is not valid base64/],
  ])("%s", (_, text, says) => {
    expect(() => certificatesPem(text)).toThrow(says);
    expect(() => certificatesPem(text)).toThrow(PemFault);
    expect(certificatesIn(text)).toMatch(says);
    expect(text.length).toBeLessThan(10_000);
  });

  it.each<[string, string, RegExp]>([
    ["none", root.certPem, /no PEM private key \(it contains only CERTIFICATE\)$/],
    [
      "encrypted",
      generateKeyPairSync("ec", { namedCurve: "P-256" })
        .privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
        .toString(),
      /encrypted/,
    ],
    [
      "encrypted in the older form",
      generateKeyPairSync("ec", { namedCurve: "P-256" })
        .privateKey.export({ type: "sec1", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
        .toString(),
      /encrypted/,
    ],
    ["cut", leaf.keyPem.slice(0, 80), /has no END line/],
  ])("a key that is %s", (_, text, says) => {
    expect(() => privateKeyPem(text)).toThrow(says);
    expect(keyIn(text)).toMatch(says);
  });

  it("without quoting its content", () => {
    const secret = leaf.keyPem.split("\n")[1]!;
    for (const text of [leaf.keyPem.slice(0, 90), leaf.keyPem.replace(/\n.{8}/, "\n????????")]) {
      try {
        privateKeyPem(text);
        expect.unreachable();
      } catch (error) {
        expect(String(error)).not.toContain(secret.slice(8, 30));
      }
    }
  });

  it("but ignores blocks with other labels", () => {
    expect(readPem(leaf.certPem + leaf.keyPem).map(({ label }) => label)).toEqual(["CERTIFICATE", "PRIVATE KEY"]);
    expect(certificatesOf(leaf.keyPem)).toEqual([]);
  });
});
