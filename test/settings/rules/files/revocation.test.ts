import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { originOf, readSettings } from "../../../../src/settings/load.ts";
import { testAuthority } from "../../../kit/certificates.ts";
import { mutated, placeOf } from "../../kit.ts";

const directory = await mkdtemp(join(tmpdir(), "ocsgw-revocation-"));
afterAll(() => rm(directory, { recursive: true }));

const [ca, other] = [testAuthority("one"), testAuthority("two")];
const server = ca.issue({ names: ["localhost"], usage: "serverAuth" });
const FILES: Readonly<Record<string, string>> = {
  "keys.yaml": "version: 1\nkeys: []\n",
  "server.crt": server.certPem,
  "server.key": server.keyPem,
  "ca.crt": ca.certPem,
  "both.crt": ca.certPem + other.certPem,
  "below.crt": ca.certPem + ca.below().certPem,
  "good.crl": ca.crl(),
  "soon.crl": ca.crl({ to: 3_600_000 }),
  "ended.crl": other.crl() + ca.crl({ to: -1000 }),
  "text.crl": "nothing of the kind\n",
  "torn.crl": ca.crl().slice(0, 250),
  "none.pem": "nothing\n",
};
for (const [name, text] of Object.entries(FILES)) await writeFile(join(directory, name), text, { mode: 0o600 });

const TLS = (more: string): readonly [string, string] => [
  "    tls: none\n",
  `    tls: { cert: server.crt, key: server.key, ${more} }\n`,
];
const MTLS = (more = ""): readonly [string, string] => [
  "  # jwt:\n",
  `  mtls: [{ name: ca, san_dns: "ors-*.example", client: alpha-ors${more} }]\n  # jwt:\n`,
];
const read = (text: string) => readSettings(text, originOf(join(directory, "ocsgw.yaml"), {}));
const problemsOf = (text: string) => {
  const loaded = read(text);
  return (loaded.ok ? loaded.warnings : loaded.problems)
    .filter(({ code }) => code !== "OCSGW-6305")
    .map(({ code, severity, line, column }) => ({ code, severity, line, column }));
};

describe("revocation lists", () => {
  it("are accepted if they are valid for some time, and are watched for changes", () => {
    const loaded = read(mutated(TLS("client_ca: ca.crt, client_crl: good.crl")));
    expect(loaded).toMatchObject({ ok: true });
    expect([...loaded.files.keys()].map((file) => file.split("/").at(-1))).toContain("good.crl");
  });

  it.each([
    ["text.crl", "OCSGW-6271", "error"],
    ["torn.crl", "OCSGW-6271", "error"],
    ["ca.crt", "OCSGW-6271", "error"],
    ["ended.crl", "OCSGW-6315", "warning"],
    ["soon.crl", "OCSGW-6315", "warning"],
  ])("are reported: %s is %s, %s", (crl, code, severity) => {
    const text = mutated(TLS(`client_ca: both.crt, client_crl: ${crl}`));
    expect(problemsOf(text)).toEqual([{ code, severity, ...placeOf(text, crl) }]);
    const callbacks = mutated([
      "    connections: 4",
      '    callbacks: { bind: "127.0.0.1:8444", allow_from: [10.0.0.5/32], tls: { cert: server.crt, key: ' +
        `server.key, client_ca: both.crt, client_crl: ${crl} } }\n    connections: 4`,
    ]);
    expect(problemsOf(callbacks)).toEqual([{ code, severity, ...placeOf(callbacks, crl, crl === "ca.crt" ? 1 : 0) }]);
    const upstream = mutated([
      "primary: http://127.0.0.1:18080",
      `primary: https://127.0.0.1:18080\n    tls: { ca: ca.crt, crl: ${crl} }`,
    ]);
    expect(problemsOf(upstream)).toEqual([{ code, severity, ...placeOf(upstream, crl, crl === "ca.crt" ? 1 : 0) }]);
  });
});

describe("several CAs of client certificates", () => {
  it("require each rule to name its CA", () => {
    const text = mutated(TLS("client_ca: both.crt"), MTLS());
    expect(problemsOf(text)).toEqual([{ code: "OCSGW-6308", severity: "warning", ...placeOf(text, "{ name: ca") }]);
    expect(problemsOf(mutated(TLS("client_ca: both.crt"), MTLS(", ca: ca.crt")))).toEqual([]);
  });

  it("count as one if the others are its intermediate CAs", () => {
    expect(problemsOf(mutated(TLS("client_ca: below.crt"), MTLS()))).toEqual([]);
  });

  it("must be CA certificates", () => {
    const text = mutated(TLS("client_ca: both.crt"), MTLS(", ca: none.pem"));
    expect(problemsOf(text)).toEqual([{ code: "OCSGW-6261", severity: "error", ...placeOf(text, "none.pem") }]);
  });
});
