/**
 * Hosts as old as they stand in data centres, each played by `openssl s_server`: what it takes to reach them, and what
 * is said when that is not stated.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ConnectFailed, connectTo } from "../../../src/upstream/lanes/endpoint.ts";
import type { EndpointTls } from "../../../src/upstream/lanes/tls.ts";
import { describeTlsError } from "../../../src/upstream/lanes/tls-errors.ts";
import { describeWith } from "../../kit/machine.ts";
import { freePort } from "../../kit/server-program.ts";

/** "connected", or why not. */
const connected = (port: number, tls: EndpointTls): Promise<string> =>
  new Promise((resolve) =>
    connectTo({ origin: `https://127.0.0.1:${port}`, tls, connectTimeout: 5000 }, (error, socket) => {
      socket?.destroy();
      resolve(error === null ? "connected" : `${error instanceof ConnectFailed ? error.how : "?"}: ${error.message}`);
    }),
  );

const WEAK = ["-cipher", "ALL:@SECLEVEL=0"];
const [OLD, NO_SUITE, TOO_WEAK] = [
  /^invalid: OCS .*versions? of TLS .*min_version/,
  /no cipher suite in common, or OCS requires a client certificate/,
  /weaker than allowed.*DEFAULT@SECLEVEL=0/,
];

type Kind = "usual" | "named" | "rsa1024" | "sha1";
type Row = readonly [
  says: string,
  server: readonly string[],
  kind: Kind,
  tls: Omit<EndpointTls, "ca">,
  becomes: "connected" | RegExp,
];

const ROWS: readonly Row[] = [
  ["TLS 1.3 alone", ["-tls1_3"], "named", {}, "connected"],
  ["TLS 1.2 alone", ["-tls1_2"], "named", {}, "connected"],
  ["TLS 1.2 with CBC suites alone", ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"], "named", {}, "connected"],
  ["TLS 1.2 with RSA key exchange alone", ["-tls1_2", "-cipher", "AES128-SHA"], "named", {}, "connected"],
  ["TLS 1.1, and nothing stated", ["-tls1_1", ...WEAK], "named", {}, OLD],
  ["TLS 1.1, stated", ["-tls1_1", ...WEAK], "named", { minVersion: "1.1" }, "connected"],
  ["TLS 1.0, and nothing stated", ["-tls1", ...WEAK], "named", {}, OLD],
  ["TLS 1.0, and 1.1 stated", ["-tls1", ...WEAK], "named", { minVersion: "1.1" }, OLD],
  ["TLS 1.0, stated", ["-tls1", ...WEAK], "named", { minVersion: "1.0" }, "connected"],
  [
    "TLS 1.0 and one suite, both stated",
    ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"],
    "named",
    { minVersion: "1.0", ciphers: "AES128-SHA" },
    "connected",
  ],
  ["TLS 1.2, and only 1.3 allowed", ["-tls1_2"], "named", { minVersion: "1.3" }, OLD],
  ["TLS 1.2, where 1.0 would do too", ["-tls1_2"], "named", { minVersion: "1.0" }, "connected"],
  [
    "a suite that is not allowed",
    ["-tls1_2", "-cipher", "AES128-SHA"],
    "named",
    { ciphers: "ECDHE-RSA-AES256-GCM-SHA384" },
    NO_SUITE,
  ],
  ["a key of 1,024 bits, and nothing stated", ["-tls1_2", ...WEAK], "rsa1024", {}, TOO_WEAK],
  ["a key of 1,024 bits, stated", ["-tls1_2", ...WEAK], "rsa1024", { ciphers: "DEFAULT@SECLEVEL=0" }, "connected"],
  ["a key of 1,024 bits and TLS 1.0, stated", ["-tls1", ...WEAK], "rsa1024", { minVersion: "1.0" }, "connected"],
  ["a signature with SHA-1", ["-tls1_2", ...WEAK], "sha1", {}, "connected"],
  ["a client certificate that is demanded, and none given", ["-tls1_2", "-Verify", "1"], "named", {}, NO_SUITE],
  ["a common name alone", ["-tls1_2"], "usual", {}, /no subject alternative name; pin its key in tls\.pins/],
];

describeWith(["openssl"], "an OCS host that has", (openssl) => {
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-old-"));
  const running: ChildProcess[] = [];
  const file = (name: string): string => join(dir, name);
  const make = (kind: Kind, bits: number, ...more: readonly string[]): void =>
    void execFileSync(
      openssl!,
      [
        "req",
        "-x509",
        "-newkey",
        `rsa:${bits}`,
        "-nodes",
        "-days",
        "5",
        "-subj",
        "/CN=127.0.0.1",
        "-keyout",
        file(`${kind}.key`),
        "-out",
        file(`${kind}.crt`),
        ...more,
      ],
      { stdio: "ignore" },
    );
  const pem = (kind: Kind): string => readFileSync(file(`${kind}.crt`), "utf8");
  const pinOf = (kind: Kind): string =>
    `sha256:${createHash("sha256")
      .update(new X509Certificate(pem(kind)).publicKey.export({ type: "spki", format: "der" }))
      .digest("base64")}`;
  beforeAll(() => {
    const named = ["-addext", "subjectAltName=IP:127.0.0.1"];
    make("usual", 2048);
    make("named", 2048, ...named);
    make("rsa1024", 1024, ...named);
    make("sha1", 2048, "-sha1", ...named);
  });
  afterEach(async () => {
    for (const child of running.splice(0)) {
      const over = new Promise((resolve) => child.once("close", resolve));
      child.kill();
      await over;
    }
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const serve = async (args: readonly string[], kind: Kind): Promise<number> => {
    const port = await freePort();
    const child = spawn(
      openssl!,
      [
        "s_server",
        "-accept",
        `127.0.0.1:${port}`,
        "-cert",
        file(`${kind}.crt`),
        "-key",
        file(`${kind}.key`),
        "-naccept",
        "20",
        ...args,
      ],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    running.push(child);
    let said = "";
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await expect.poll(() => said, { timeout: 10_000 }).toContain("ACCEPT");
    return port;
  };

  it.each(ROWS)("%s", async (_, args, kind, tls, becomes) => {
    const port = await serve(args, kind);
    const outcome = await connected(port, { ...tls, ca: pem(kind) });
    if (becomes === "connected") expect(outcome).toBe("connected");
    else expect(outcome).toMatch(becomes);
    expect(outcome).not.toMatch(/UNSPECIFIED|:error:|deps\/openssl/);
  });

  it("a certificate without the name of OCS is accepted by its pinned key, and by no other", async () => {
    const port = await serve(["-tls1_2"], "usual");
    expect(await connected(port, { ca: pem("usual"), pins: [pinOf("usual")] })).toBe("connected");
    expect(await connected(port, { ca: pem("usual"), pins: [pinOf("named")] })).toMatch(
      /none of the pinned keys \(tls\.pins\)/,
    );
    expect(await connected(port, { ca: pem("usual"), pins: [pinOf("usual")], serverName: "ocs.example" })).toMatch(
      /no subject alternative name/,
    );
    expect(await connected(port, { ca: pem("named"), pins: [pinOf("usual")] })).toMatch(
      /not issued by a CA in tls\.ca/,
    );
    const named = await serve(["-tls1_2"], "named");
    expect(await connected(named, { ca: pem("named"), serverName: "ocs.example" })).toMatch(
      /for another name; set tls\.server_name to that name, or pin its key in tls\.pins/,
    );
    expect(await connected(named, { ca: pem("named"), serverName: "ocs.example", pins: [pinOf("named")] })).toMatch(
      /for another name/,
    );
  });
});

describe("a server that answers without TLS", () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  it.each(["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"])(
    "is reported as such: %j",
    async (answer) => {
      server = createServer((socket) =>
        socket.on("error", () => undefined).once("data", () => socket.end(answer)),
      ).listen(0, "127.0.0.1");
      await new Promise((resolve) => server!.once("listening", resolve));
      expect(await connected((server.address() as AddressInfo).port, {})).toMatch(
        /does not speak TLS: is it OCS's http port\?/,
      );
    },
  );
});

describe("the sentence for a TLS error", () => {
  const error = (code: string, message = "x"): Error => Object.assign(new Error(message), code === "" ? {} : { code });
  it.each<[string, string, RegExp]>([
    ["CERT_HAS_EXPIRED", "certificate has expired", /expired \(CERT_HAS_EXPIRED\)$/],
    ["CERT_NOT_YET_VALID", "x", /not valid yet/],
    ["CERT_REVOKED", "x", /revoked/],
    ["UNABLE_TO_GET_CRL", "x", /tls\.crl/],
    ["INVALID_PURPOSE", "x", /not a server certificate/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "x", /not issued by a CA in tls\.ca/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "x", /not issued by a CA in tls\.ca/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "x", /another name/],
    ["UNSPECIFIED", "EE certificate key too weak", /weaker than allowed.*\(EE certificate key too weak\)$/],
    ["UNSPECIFIED", "CA md too weak", /weaker than allowed/],
    ["UNSPECIFIED", "something new", /^TLS to OCS failed: something new$/],
    ["ERR_SSL_SOMETHING_NEW", "0A:error:0A:SSL routines::x\n", /^TLS to OCS failed: ERR_SSL_SOMETHING_NEW$/],
    ["ESOMETHING", "a sentence", /^TLS to OCS failed: a sentence \(ESOMETHING\)$/],
    ["ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED", "x", /RFC 5746/],
    ["ERR_SSL_DH_KEY_TOO_SMALL", "x", /weaker than allowed/],
    ["", "words of our own", /^words of our own$/],
  ])("is found for %s, %s", (code, message, said) => {
    expect(describeTlsError(error(code, message))).toMatch(said);
  });
});
