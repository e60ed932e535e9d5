import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { isContainer } from "../../../../src/settings/container.ts";
import { originOf, readSettings } from "../../../../src/settings/load.ts";
import type { Problem } from "../../../../src/settings/problems/problem.ts";
import { createAuthority } from "../../../../src/sandbox/server/certificates.ts";
import { mutated, placeOf } from "../../kit.ts";
import { patternOf } from "../../../kit/pattern.ts";

const directory = await mkdtemp(join(tmpdir(), "ocsgw-certificates-"));
afterAll(() => rm(directory, { recursive: true }));
afterEach(() => {
  vi.useRealTimers();
});

const DAY = 86_400_000;
const authority = createAuthority("check");
const [one, other] = [
  authority.issue({ names: ["localhost"], usage: "serverAuth" }),
  authority.issue({ names: ["localhost"], usage: "serverAuth" }),
];
const pkcs8 = (passphrase?: string): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({
      type: "pkcs8",
      format: "pem",
      ...(passphrase !== undefined && { cipher: "aes-256-cbc", passphrase }),
    })
    .toString();
const FILES: Readonly<Record<string, string>> = {
  "keys.yaml": "version: 1\nkeys: []\n",
  "server.crt": one.certPem,
  "server.key": one.keyPem,
  "other.key": other.keyPem,
  "ca.crt": authority.certPem,
  "text.pem": "nothing of the kind\n",
  "locked.key": pkcs8("secret"),
  "half.crt": one.certPem.slice(0, 300),
  "torn.crt": one.certPem.replace(/\n.{8}/, "\n????????"),
  "p256.pem": pkcs8(),
};
for (const [name, text] of Object.entries(FILES)) await writeFile(join(directory, name), text, { mode: 0o600 });

const TLS = (cert: string, key: string, more = ""): readonly [string, string] => [
  "    tls: none\n",
  `    tls: { cert: ${cert}, key: ${key}${more} }\n`,
];
const problemsOf = (text: string): readonly Problem[] => {
  const loaded = readSettings(text, originOf(join(directory, "ocsgw.yaml"), {}));
  return (loaded.ok ? loaded.warnings : loaded.problems).filter(({ code }) => code !== "OCSGW-6305");
};
const codes = (...changes: readonly (readonly [string, string])[]): readonly string[] =>
  problemsOf(mutated(...changes)).map(({ code }) => code);

describe("certificates and keys", () => {
  it("are accepted if they match, are valid, and only their owner can read the keys", () => {
    expect(problemsOf(mutated(TLS("server.crt", "server.key", ", client_ca: ca.crt")))).toEqual([]);
  });

  it("that OpenSSL rejects are reported with the reason in words", () => {
    const [cert, key] = [join(directory, "short.crt"), join(directory, "short.key")];
    const options = ["-newkey", "rsa:1024", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=short", "-days", "9"];
    execFileSync("openssl", ["req", "-x509", ...options], { stdio: "pipe" });
    const text = mutated(TLS("short.crt", "short.key"));
    expect(problemsOf(text).filter(({ severity }) => severity === "error")).toMatchObject([
      {
        code: "OCSGW-6264",
        ...placeOf(text, "short.crt"),
        message: "OpenSSL rejects the certificate short.crt with the key short.key: the key is too short",
      },
    ]);
  });

  it("must match; otherwise both places are named", () => {
    const text = mutated(TLS("server.crt", "other.key"));
    expect(problemsOf(text)).toMatchObject([
      {
        code: "OCSGW-6263",
        severity: "error",
        ...placeOf(text, "other.key"),
        also: placeOf(text, "server.crt"),
        message: expect.stringContaining("does not belong to the certificate") as string,
      },
    ]);
  });

  it.each<[string, string, string, string, RegExp]>([
    [
      "a certificate file without a certificate",
      "text.pem",
      "server.key",
      "OCSGW-6261",
      /text\.pem: it contains no PEM certificate/,
    ],
    [
      "a certificate file that was cut",
      "half.crt",
      "server.key",
      "OCSGW-6261",
      /half\.crt: the CERTIFICATE in line 1 has no END line/,
    ],
    [
      "a certificate that is damaged",
      "torn.crt",
      "server.key",
      "OCSGW-6261",
      /torn\.crt: the CERTIFICATE in line 1 is not valid base64/,
    ],
    ["a key in the certificate's place", "server.key", "server.key", "OCSGW-6261", /no PEM certificate/],
    ["a certificate in the key's place", "server.crt", "server.crt", "OCSGW-6262", /no PEM private key/],
    ["a key under a passphrase", "server.crt", "locked.key", "OCSGW-6262", /its private key is encrypted/],
  ])("are refused with the file's name: %s", (_what, cert, key, code, says) => {
    expect(problemsOf(mutated(TLS(cert, key)))).toEqual([
      expect.objectContaining({
        code,
        message: expect.stringMatching(says) as string,
        help: expect.stringMatching(/^name a file with .* in PEM/) as string,
      }),
    ]);
  });

  it("are refused as the CA of clients or of OCS if they are not certificates", () => {
    expect(codes(TLS("server.crt", "server.key", ", client_ca: text.pem"))).toEqual(["OCSGW-6261"]);
    expect(codes(["http://127.0.0.1:18080", "https://127.0.0.1:18443\n    tls: { ca: text.pem }"])).toEqual([
      "OCSGW-6261",
    ]);
  });

  it("are checked for the callbacks like for any listener", async () => {
    const callbacks = (cert: string, key: string, more = ""): readonly [string, string] => [
      "    connections: 4",
      `    callbacks: { bind: "127.0.0.1:8444", allow_from: [10.0.0.5/32], tls: { cert: ${cert}, key: ` +
        `${key}${more} } }\n    connections: 4`,
    ];
    expect(codes(callbacks("server.crt", "server.key", ", client_ca: ca.crt"))).toEqual([]);
    expect(codes(callbacks("server.crt", "other.key"))).toEqual(["OCSGW-6263"]);
    expect(codes(callbacks("text.pem", "locked.key", ", client_ca: text.pem"))).toEqual([
      "OCSGW-6261",
      "OCSGW-6262",
      "OCSGW-6261",
    ]);
    expect(
      codes([
        "    connections: 4",
        '    callbacks: { bind: "127.0.0.1:8444", allow_from: [10.0.0.5/32], validator: "https://localhost/", ' +
          "validator_ca: text.pem }\n    connections: 4",
      ]),
    ).toEqual(["OCSGW-6261"]);
    if (process.platform === "win32") return;
    await writeFile(join(directory, "open.key"), one.keyPem);
    await chmod(join(directory, "open.key"), 0o644);
    expect(codes(callbacks("server.crt", "open.key"))).toEqual(["OCSGW-6266"]);
  });

  it.skipIf(process.platform === "win32").each(["it's open.key", "open $(id).key", 'open "1".key', "öffen;.key"])(
    "have a help with a command that works as printed: %s",
    async (name) => {
      const file = join(directory, name);
      await writeFile(file, one.keyPem);
      await chmod(file, 0o666);
      const [problem] = problemsOf(mutated(TLS("server.crt", JSON.stringify(name))));
      const [, command] = /^(chmod .*?)(?: and chgrp .*)?$/.exec(problem!.help!)!;
      execFileSync("sh", ["-c", command!], { cwd: directory });
      expect((await stat(file)).mode & 0o007).toBe(0);
    },
  );

  it("are refused if expired or not yet valid, with a warning two weeks before expiry", () => {
    const at = (days: number): readonly string[] => {
      vi.useFakeTimers({ now: Date.now() + days * DAY, toFake: ["Date"] });
      const found = codes(TLS("server.crt", "server.key", ", client_ca: ca.crt"));
      vi.useRealTimers();
      return found;
    };
    expect([at(0), at(15), at(25), at(31), at(-2)]).toEqual([
      [],
      [],
      ["OCSGW-6311"],
      ["OCSGW-6265", "OCSGW-6265"],
      ["OCSGW-6265"],
    ]);
  });

  it("name an expired authority, what depends on it, and whether a running gateway loads a new file", async () => {
    const root = (subject: string, days: number): string => {
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"];
      return execFileSync("openssl", ["req", "-x509", ...key, "-subj", subject, "-days", String(days)], {
        encoding: "utf8",
        stdio: "pipe",
      });
    };
    const [old, older, present] = [root("/O=Example/CN=Old CA", 1), root("/CN=Older CA", 1), root("/CN=New CA", 60)];
    await writeFile(join(directory, "old.crt"), old);
    await writeFile(join(directory, "both.crt"), present + old + older);
    const stamped = (ca: string): readonly [string, string] => [
      "every: 60s }",
      `every: 60s, timestamp: { url: "http://tsa.example/", ca: ${ca} } }`,
    ];
    const found = (...changes: readonly (readonly [string, string])[]): readonly Problem[] => {
      vi.useFakeTimers({ now: Date.now() + 2 * DAY, toFake: ["Date"] });
      return problemsOf(mutated(...changes));
    };
    const LOADS = "a running gateway loads it, unless config.watch is none: then run ocsgw reload";
    const READS = "then restart the gateway, which reads this file only when it starts";
    expect(found(TLS("server.crt", "server.key", ", client_ca: both.crt"))).toMatchObject([
      {
        code: "OCSGW-6312",
        message: expect.stringMatching(
          patternOf(
            /^both\.crt: the certificate of O=Example, CN=Old CA expired on [\d-]+, /,
            /and 1 more; connections that need it fail$/,
          ),
        ) as string,
        help: expect.stringMatching(
          new RegExp(`^add this authority's new certificate .*, then remove the expired one; ${LOADS}$`),
        ) as string,
      },
    ]);
    expect(found(TLS("server.crt", "server.key", ", client_ca: old.crt"))).toMatchObject([
      { code: "OCSGW-6265", help: `replace the file with a new certificate; ${LOADS}` },
    ]);
    expect(found(stamped("old.crt"))).toMatchObject([
      {
        code: "OCSGW-6265",
        message: expect.stringMatching(/; timestamps that need it fail$/) as string,
        help: `replace the file with a new certificate; ${READS}`,
      },
    ]);
    expect(found(stamped("both.crt"))).toMatchObject([
      { code: "OCSGW-6312", help: expect.stringContaining(READS) as string },
    ]);
  });

  const rights = (mode: number, uid: number, isContainer: boolean): readonly Problem[] => {
    const from = originOf(join(directory, "ocsgw.yaml"), {});
    const loaded = readSettings(mutated(TLS("server.crt", "server.key")), {
      ...from,
      isContainer,
      rightsOf: (path) => (path === "server.key" ? { mode: 0o100_000 | mode, uid } : { mode: 0o100_600, uid: 0 }),
    });
    return (loaded.ok ? loaded.warnings : loaded.problems).filter(({ code }) => code !== "OCSGW-6305");
  };
  it.each<[string, number, number, "fine" | "too open"]>([
    ["its owner only", 0o600, 10_001, "fine"],
    ["its owner only, read-only", 0o400, 10_001, "fine"],
    ["root only", 0o600, 0, "fine"],
    ["root, readable for the group (ssl-cert)", 0o640, 0, "fine"],
    [
      "root, readable for the group, read-only (a Kubernetes Secret with fsGroup, a systemd credential)",
      0o440,
      0,
      "fine",
    ],
    ["root, writable for the group", 0o660, 0, "too open"],
    [
      "root, readable for everybody, read-only (a Docker secret, a Kubernetes Secret without fsGroup)",
      0o444,
      0,
      "too open",
    ],
    ["root, readable for everybody", 0o644, 0, "too open"],
    ["its owner, readable for a group", 0o640, 10_001, "too open"],
    ["its owner, on a Kubernetes volume with fsGroup", 0o660, 10_001, "too open"],
    ["its owner, readable for everybody", 0o604, 10_001, "too open"],
  ])("may belong to: %s", (_what, mode, uid, is) => {
    const open = is === "too open";
    const said = {
      message: `other users can read or change the private key server.key: its mode is 0${mode.toString(8)}`,
    };
    expect(rights(mode, uid, false)).toEqual(
      open
        ? [
            expect.objectContaining({
              code: "OCSGW-6266",
              severity: "error",
              ...said,
              help: expect.stringContaining(`chmod ${uid === 0 ? 640 : 600} server.key`) as string,
            }),
          ]
        : [],
    );
    expect(rights(mode, uid, true)).toEqual(
      open
        ? [
            expect.objectContaining({
              code: "OCSGW-6340",
              severity: "warning",
              ...said,
              help: expect.stringContaining("0440") as string,
            }),
          ]
        : [],
    );
  });

  it.each<[Readonly<Record<string, string>>, boolean]>([
    [{ OCSGW_CONTAINER: "1" }, true],
    [{ OCSGW_CONTAINER: "0", KUBERNETES_SERVICE_HOST: "10.0.0.1" }, false],
    [{ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, true],
    [{ container: "podman" }, true],
  ])("are in a container if the environment is %j: %s", (env, is) => {
    expect(isContainer(env)).toBe(is);
  });
});

describe("the journal's directory and key", () => {
  it("must have an Ed25519 key, if any", () => {
    expect(problemsOf(mutated(["secrets/checkpoint.pem", "p256.pem"]))).toMatchObject([
      { code: "OCSGW-6262", message: "p256.pem: expected an Ed25519 key, found one of type ec" },
    ]);
    expect(codes(["secrets/checkpoint.pem", "text.pem"])).toEqual(["OCSGW-6262"]);
  });

  it("must not have lost its key after it was signed", async () => {
    await mkdir(join(directory, "signed"), { recursive: true });
    const changes = [
      ["dir: ./audit", "dir: signed"],
      ["secrets/checkpoint.pem", "lost.pem"],
    ] as const;
    expect(codes(...changes)).toEqual([]);
    await writeFile(join(directory, "signed/checkpoint.pub"), "test+00000000+older\ntest+11111111+newer\n");
    expect(problemsOf(mutated(...changes))).toMatchObject([
      {
        code: "OCSGW-6341",
        message:
          "the key lost.pem is missing, but the journal in signed is signed with it (verifier key test+11111111+newer)",
      },
    ]);
  });

  it("must be a directory, or one that can be made", async () => {
    await mkdir(join(directory, "there"), { recursive: true });
    expect(codes(["dir: ./audit", "dir: there/yet/to/be/made"])).toEqual([]);
    expect(problemsOf(mutated(["dir: ./audit", "dir: keys.yaml"]))).toMatchObject([
      {
        code: "OCSGW-6268",
        message: expect.stringMatching(
          /^this user cannot write in keys\.yaml: .*keys\.yaml is not a directory$/,
        ) as string,
      },
    ]);
    expect(codes(["dir: ./audit", "dir: keys.yaml/below"])).toEqual(["OCSGW-6268"]);
  });

  // `access` allows root to write there; another user is refused by the permissions.
  it.skipIf(process.platform !== "linux").each(["/proc", "/proc/journal", "/proc/self/fd/journal", "/sys/journal"])(
    "must not be where nobody can create files: %s",
    (dir) => {
      const of = ({ code }: { readonly code: string }): boolean => code === "OCSGW-6268" || code === "OCSGW-6276";
      expect(problemsOf(mutated(["dir: ./audit", `dir: ${dir}`])).filter(of)).toMatchObject([
        {
          message: expect.stringMatching(
            /^this user cannot write in .*: (.*kernel \((proc|sysfs)\)|permission denied)/,
          ),
        },
      ]);
    },
  );
});
