/** RFC 3161 timestamps, held against what openssl makes of them. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  authoritiesIn,
  imprintOf,
  readTimestamp,
  TimestampFault,
  timestampRequest,
} from "../../../../src/journal/verify/bundle/timestamp.mjs";
import { anAuthority, type Authority } from "../../../kit/timestamp-authority.ts";
import { describeWith } from "../../../kit/machine.ts";

const TEXT = Buffer.from("gateway.test/main\n5\nAAAA\n");
const NONCE = Buffer.from("41020304050607ff", "hex");
const imprint = imprintOf(TEXT);

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "timestamp-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const made = async (name: string, options: Parameters<typeof anAuthority>[1] = {}): Promise<Authority> => {
  await mkdir(join(dir, name));
  return anAuthority(join(dir, name), options);
};
const replyOf = (authority: Authority): Buffer => authority.reply(timestampRequest(imprint, NONCE));
const faultOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof TimestampFault) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return "none";
};

/**
 * The statement of a response, changed perhaps, signed by the key in a folder without asking whether that may sign it.
 */
const resigned = (response: Buffer, folder: string, change = (info: Buffer): Buffer => info): Buffer => {
  const openssl = (...args: readonly string[]): Buffer => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  writeFileSync(join(folder, "given"), response);
  openssl("ts", "-reply", "-in", "given", "-token_out", "-out", "token");
  openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "info", "-binary");
  writeFileSync(join(folder, "info"), change(readFileSync(join(folder, "info"))));
  openssl(
    "cms",
    "-sign",
    "-binary",
    "-nodetach",
    "-cades",
    "-md",
    "sha256",
    "-econtent_type",
    "1.2.840.113549.1.9.16.1.4",
    "-signer",
    "tsa.pem",
    "-inkey",
    "tsa.key",
    "-certfile",
    "chain.pem",
    "-in",
    "info",
    "-outform",
    "DER",
    "-out",
    "signed",
  );
  const token = readFileSync(join(folder, "signed"));
  const whole = Buffer.concat([Buffer.from("3003020100", "hex"), token]);
  return Buffer.concat([Buffer.of(0x30, 0x82, whole.length >> 8, whole.length & 0xff), whole]);
};

describeWith(["openssl"], "a timestamp", () => {
  it.each([
    ["rsa", { key: ["rsa:2048"] }],
    ["rsa-sha512", { key: ["rsa:2048"], digest: "sha512", ess: "sha512" }],
    ["sha-384", { digest: "sha384", ess: "sha384" }],
    ["ess-sha1", { ess: "sha1" }],
    ["p256", {}],
    ["p384", { key: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], digest: "sha384" }],
    ["intermediate", { intermediate: "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign\n" }],
    ["intermediate-eku", { intermediate: "basicConstraints=critical,CA:true\nextendedKeyUsage=timeStamping\n" }],
  ] as const)("by an authority with %s is accepted, as by openssl", async (name, options) => {
    const authority = await made(name, options);
    const before = Math.floor(Date.now() / 1000) * 1000;
    const response = replyOf(authority);
    expect(authority.verifies(response, TEXT)).toBe(true);
    const read = readTimestamp(response, { imprint, nonce: NONCE, authorities: authoritiesIn(authority.ca) });
    expect(read).toMatchObject({ signer: "CN=Test Authority", isTrusted: true });
    expect(read.time).toBeGreaterThanOrEqual(before - 1000);
    expect(read.time).toBeLessThan(Date.now() + 2000);
    expect(readTimestamp(response, { imprint })).toMatchObject({ isTrusted: false });
  });

  it.each([
    [
      "no-eku",
      "untrusted: its signer's certificate is not one for time stamping alone",
      { extensions: "keyUsage=critical,digitalSignature\n" },
    ],
    [
      "two-purposes",
      "untrusted: its signer's certificate is not one for time stamping alone",
      { extensions: "extendedKeyUsage=critical,timeStamping,emailProtection\n" },
    ],
    [
      "not-critical",
      "untrusted: its signer's certificate is not one for time stamping alone",
      { extensions: "extendedKeyUsage=timeStamping\n" },
    ],
    [
      "sub-no-ca",
      "untrusted: no chain leads from its signer",
      { intermediate: "basicConstraints=critical,CA:false\n" },
    ],
    [
      "sub-other-eku",
      "untrusted: no chain leads from its signer",
      { intermediate: "basicConstraints=critical,CA:true\nextendedKeyUsage=serverAuth\n" },
    ],
    [
      "sub-critical",
      'untrusted: the certificate "CN=Test Intermediate" has a critical extension that is not known here',
      { intermediate: "basicConstraints=critical,CA:true\n1.2.3.4=critical,ASN1:NULL\n" },
    ],
    ["issued-sha1", 'untrusted: the certificate "CN=Test Authority" is signed by SHA-1', { issuedBy: "sha1" }],
    [
      "ended",
      'untrusted: the certificate "CN=Test Authority" was not in force at its time',
      { days: ["20200101000000Z", "20210101000000Z"] },
    ],
    [
      "not-yet",
      'untrusted: the certificate "CN=Test Authority" was not in force at its time',
      { days: ["20990101000000Z", "21000101000000Z"] },
    ],
  ] as const)("by an authority with a certificate of the kind %s is rejected", async (name, says, options) => {
    let authority: Authority;
    let response: Buffer;
    try {
      authority = await made(name, options);
      response = replyOf(authority);
    } catch (error) {
      // openssl itself does not sign with such a certificate.
      expect(String((error as { stderr?: Buffer }).stderr ?? error)).toMatch(
        /no usage|purpose|signer certificate|invalid|missing|TS routines|ts_/i,
      );
      return;
    }
    expect(faultOf(() => readTimestamp(response, { imprint, authorities: authoritiesIn(authority.ca) }))).toContain(
      says,
    );
  });

  it("is accepted for the given authority, and for no other", async () => {
    const [one, other] = [await made("one"), await made("other")];
    const response = replyOf(one);
    expect(faultOf(() => readTimestamp(response, { imprint, authorities: authoritiesIn(other.ca) }))).toMatch(
      /^untrusted: no chain leads/,
    );
    expect(readTimestamp(response, { imprint, authorities: authoritiesIn(other.ca + one.ca) }).isTrusted).toBe(true);
    expect(authoritiesIn(other.ca + one.ca).map((each) => each instanceof X509Certificate)).toEqual([true, true]);
    expect(() => authoritiesIn("nothing")).toThrow("expected certificates in PEM, found none");
  });

  it("is accepted through the right chain if another root certified the same issuer", async () => {
    const other = await made("far");
    const authority = await made("cross", { intermediate: "basicConstraints=critical,CA:true\n", isCrossSigned: true });
    const response = replyOf(authority);
    expect(readTimestamp(response, { imprint, authorities: authoritiesIn(authority.ca) }).isTrusted).toBe(true);
    expect(faultOf(() => readTimestamp(response, { imprint, authorities: authoritiesIn(other.ca) }))).toMatch(
      /^untrusted: no chain leads/,
    );
  });

  it.each([
    [
      "no signing",
      /^untrusted: its signer's certificate is not one for signatures/,
      "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,keyEncipherment\n",
    ],
    [
      "every purpose",
      /^untrusted: its signer's certificate is not one for time stamping alone/,
      "extendedKeyUsage=critical,anyExtendedKeyUsage\n",
    ],
    [
      "a purpose that openssl refuses to sign with",
      /^untrusted: its signer's certificate is not one for time stamping alone/,
      "extendedKeyUsage=timeStamping\n",
    ],
    [
      "time stamping, signed by other means",
      /^none/,
      "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,nonRepudiation\n",
    ],
  ])(
    "signed without the authority's program by a certificate for %s is still rejected",
    async (name, says, extensions) => {
      const good = await made(`good ${name}`);
      const hostile = await made(`hostile ${name}`, { extensions });
      const response = resigned(replyOf(good), join(dir, `hostile ${name}`));
      expect(
        faultOf(() => readTimestamp(response, { imprint, nonce: NONCE, authorities: authoritiesIn(hostile.ca) })),
      ).toMatch(says);
    },
  );

  it.each([
    ["a 31st of February", "20260231120000Z"],
    ["a 25th hour", "20261129250000Z"],
    ["a month of 13", "20261301120000Z"],
    ["the year 26", "00261129120000Z"],
  ])("that states %s has no valid time", async (name, stated) => {
    const authority = await made(`time ${name}`);
    const changed = resigned(replyOf(authority), join(dir, `time ${name}`), (info) => {
      const at = info.indexOf(Buffer.from("180f", "hex"));
      Buffer.from(stated).copy(info, at + 2);
      return info;
    });
    expect(faultOf(() => readTimestamp(changed, { imprint, authorities: authoritiesIn(authority.ca) }))).toMatch(
      /^broken: it is not DER/,
    );
  });

  it("is valid only for its own text and nonce", async () => {
    const authority = await made("text");
    const authorities = authoritiesIn(authority.ca);
    const response = replyOf(authority);
    expect(faultOf(() => readTimestamp(response, { imprint: imprintOf("another"), authorities }))).toBe(
      "broken: its imprint is of another text",
    );
    expect(
      faultOf(() => readTimestamp(response, { imprint, nonce: Buffer.from("4102030405060700", "hex"), authorities })),
    ).toMatch(/^broken: its nonce is not the one/);
    const refused = authority.reply(
      Buffer.concat([timestampRequest(imprint, NONCE).subarray(0, 20), Buffer.alloc(30)]),
    );
    expect(faultOf(() => readTimestamp(refused, { imprint, authorities }))).toMatch(
      /^broken: the authority did not grant it: status 2/,
    );
  });

  it("is rejected if any byte of it was changed, and never crashes the process", async () => {
    const authority = await made("bytes");
    const authorities = authoritiesIn(authority.ca);
    const response = replyOf(authority);
    const { time } = readTimestamp(response, { imprint, nonce: NONCE, authorities });
    // The root is there as well, and is not needed: the one that counts was given.
    const [root] = authorities;
    const from = response.indexOf(root!.raw);
    let taken = 0;
    for (let at = 0; at < response.length; at++) {
      for (const flip of [0x01, 0x80]) {
        const changed = Buffer.from(response);
        changed[at]! ^= flip;
        const fault = faultOf(() =>
          expect(readTimestamp(changed, { imprint, nonce: NONCE, authorities }).time).toBe(time),
        );
        if (fault === "none" && !(at >= from && at < from + root!.raw.length)) taken++;
      }
    }
    // What is not signed and says nothing: numbers of versions, lists of digests and parameters before what is signed.
    expect(taken).toBeLessThan(60);
    for (let length = 0; length < response.length; length += 7)
      expect(faultOf(() => readTimestamp(response.subarray(0, length), { imprint, authorities }))).toMatch(/^broken/);
    expect(faultOf(() => readTimestamp(Buffer.concat([response, Buffer.of(0)]), { imprint, authorities }))).toMatch(
      /^broken/,
    );
  });
});
