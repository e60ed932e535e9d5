/** RFC 3161 timestamps, held against what openssl makes of them. */
import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { authoritiesIn, imprintOf, readTimestamp, TimestampFault, timestampRequest } from "../../../src/journal/verify/timestamp.mjs";
import { anAuthority, type Authority } from "../../kit/timestamp-authority.ts";
import { describeWith } from "../../kit/machine.ts";

const TEXT = Buffer.from("gateway.test/main\n5\nAAAA\n");
const NONCE = Buffer.from("41020304050607ff", "hex");
const imprint = imprintOf(TEXT);

let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), "timestamp-")); });
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
  ] as const)("by an authority with %s is what openssl takes as well", async (name, options) => {
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
    ["no-eku", "stranger: its signer's certificate is not one for time stamping alone", { extensions: "keyUsage=critical,digitalSignature\n" }],
    ["two-purposes", "stranger: its signer's certificate is not one for time stamping alone", { extensions: "extendedKeyUsage=critical,timeStamping,emailProtection\n" }],
    ["not-critical", "stranger: its signer's certificate is not one for time stamping alone", { extensions: "extendedKeyUsage=timeStamping\n" }],
    ["sub-no-ca", "stranger: no chain leads from its signer", { intermediate: "basicConstraints=critical,CA:false\n" }],
    ["sub-other-eku", "stranger: no chain leads from its signer", { intermediate: "basicConstraints=critical,CA:true\nextendedKeyUsage=serverAuth\n" }],
    ["sub-critical", "stranger: the certificate \"CN=Test Intermediate\" has a critical extension that is not known here", { intermediate: "basicConstraints=critical,CA:true\n1.2.3.4=critical,ASN1:NULL\n" }],
    ["ended", "stranger: the certificate \"CN=Test Authority\" was not in force at its time", { days: ["20200101000000Z", "20210101000000Z"] }],
    ["not-yet", "stranger: the certificate \"CN=Test Authority\" was not in force at its time", { days: ["20990101000000Z", "21000101000000Z"] }],
  ] as const)("by an authority with a certificate of the kind %s does not count", async (name, says, options) => {
    let authority: Authority;
    let response: Buffer;
    try {
      authority = await made(name, options);
      response = replyOf(authority);
    } catch (error) {
      // openssl itself does not sign with such a certificate.
      expect(String((error as { stderr?: Buffer }).stderr ?? error)).toMatch(/no usage|purpose|signer certificate|invalid|missing|TS routines|ts_/i);
      return;
    }
    expect(faultOf(() => readTimestamp(response, { imprint, authorities: authoritiesIn(authority.ca) }))).toContain(says);
  });

  it("counts by the authority that was given, and by no other", async () => {
    const [one, other] = [await made("one"), await made("other")];
    const response = replyOf(one);
    expect(faultOf(() => readTimestamp(response, { imprint, authorities: authoritiesIn(other.ca) }))).toMatch(/^stranger: no chain leads/);
    expect(readTimestamp(response, { imprint, authorities: authoritiesIn(other.ca + one.ca) }).isTrusted).toBe(true);
    expect(authoritiesIn(other.ca + one.ca).map((each) => each instanceof X509Certificate)).toEqual([true, true]);
    expect(() => authoritiesIn("nothing")).toThrow("expected certificates in PEM, found none");
  });

  it("is of its own text and question only", async () => {
    const authority = await made("text");
    const authorities = authoritiesIn(authority.ca);
    const response = replyOf(authority);
    expect(faultOf(() => readTimestamp(response, { imprint: imprintOf("another"), authorities }))).toBe("broken: its imprint is of another text");
    expect(faultOf(() => readTimestamp(response, { imprint, nonce: Buffer.from("4102030405060700", "hex"), authorities }))).toMatch(/^broken: its nonce is not the one/);
    const refused = authority.reply(Buffer.concat([timestampRequest(imprint, NONCE).subarray(0, 20), Buffer.alloc(30)]));
    expect(faultOf(() => readTimestamp(refused, { imprint, authorities }))).toMatch(/^broken: the authority did not grant it: status 2/);
  });

  it("is refused when any byte of it was changed, and never takes the process with it", async () => {
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
        const fault = faultOf(() => expect(readTimestamp(changed, { imprint, nonce: NONCE, authorities }).time).toBe(time));
        if (fault === "none" && !(at >= from && at < from + root!.raw.length)) taken++;
      }
    }
    // What is not signed and says nothing: numbers of versions, lists of digests and parameters before what is signed.
    expect(taken).toBeLessThan(60);
    for (let length = 0; length < response.length; length += 7) expect(faultOf(() => readTimestamp(response.subarray(0, length), { imprint, authorities }))).toMatch(/^broken/);
    expect(faultOf(() => readTimestamp(Buffer.concat([response, Buffer.of(0)]), { imprint, authorities }))).toMatch(/^broken/);
  });
});
