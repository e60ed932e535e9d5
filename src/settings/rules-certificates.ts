/** Certificates and private keys that the config names: each is what it should be, they fit each other, they are in force, and the keys are not open to others. */
import type { X509Certificate } from "node:crypto";
import { certificatesIn, keyIn, lifeOf, whyNotTaken } from "./certificates.ts";
import { callbacksIn, type Facts } from "./facts.ts";
import type { Files } from "./fill.ts";
import type { Finding, Path } from "./problem.ts";
import { inShell } from "../shell-word.ts";

export type Named = { readonly path: Path; readonly file: string };
type Pair = { readonly cert: Named; readonly key: Named };

export const findCertificateProblems = (facts: Facts, files: Files, now: number = Date.now()): readonly Finding[] => [
  ...pairsIn(facts).flatMap((pair) => pairProblems(pair, files, now)),
  ...authoritiesIn(facts).flatMap((authority) => authorityProblems(authority, files, now)),
];

const pairsIn = (facts: Facts): readonly Pair[] => {
  const { listeners, upstreams, admin } = facts;
  const pair = (path: Path, { cert, key }: { readonly cert: string | null; readonly key: string | null }): Pair[] =>
    cert === null || key === null
      ? []
      : [{ cert: { path: [...path, "tls", "cert"], file: cert }, key: { path: [...path, "tls", "key"], file: key } }];
  return [
    ...[...listeners, ...callbacksIn(facts)].flatMap(({ path, value: { tls } }) =>
      tls === "none" ? [] : pair(path, tls),
    ),
    ...(admin && admin.value.tls !== "none" ? pair(admin.path, admin.value.tls) : []),
    ...upstreams.flatMap(({ path, value: { tls } }) => pair(path, tls)),
  ];
};

const authoritiesIn = (facts: Facts): readonly Named[] => [
  ...[...facts.listeners, ...callbacksIn(facts)].flatMap(({ path, value: { tls } }) =>
    tls === "none" || tls.client_ca === null ? [] : [{ path: [...path, "tls", "client_ca"], file: tls.client_ca }],
  ),
  ...facts.upstreams.flatMap(({ path, value: { tls } }) =>
    tls.ca === null ? [] : [{ path: [...path, "tls", "ca"], file: tls.ca }],
  ),
  ...callbacksIn(facts).flatMap(({ path, value: { validator_ca: ca } }) =>
    ca === null ? [] : [{ path: [...path, "validator_ca"], file: ca }],
  ),
  ...timestampAuthorities(facts),
];

const timestampAuthorities = ({ audit }: Facts): readonly Named[] => {
  const timestamp = audit?.value.checkpoint.timestamp;
  return audit && timestamp ? [{ path: [...audit.path, "checkpoint", "timestamp", "ca"], file: timestamp.ca }] : [];
};

/** Undefined where it cannot be read: that is told elsewhere. */
const textOf = ({ file }: Named, { readFile }: Files): string | undefined => {
  try {
    return readFile(file);
  } catch {
    return undefined;
  }
};

const pairProblems = ({ cert, key }: Pair, files: Files, now: number): readonly Finding[] => {
  const [certText, keyText] = [textOf(cert, files), textOf(key, files)];
  const chain = certText === undefined ? undefined : certificatesIn(certText);
  const secret = keyText === undefined ? undefined : keyIn(keyText);
  const single = [
    ...(typeof chain === "string" ? [unfit("OCSGW-6261", cert, chain)] : chain ? lifeProblems(cert, chain, now) : []),
    ...(typeof secret === "string" ? [unfit("OCSGW-6262", key, secret)] : []),
    ...(keyText === undefined ? [] : openToOthers(key, files)),
  ];
  if (typeof chain !== "object" || typeof secret !== "object") return single;
  if (!chain[0]!.checkPrivateKey(secret)) {
    return [
      ...single,
      {
        code: "OCSGW-6263",
        path: key.path,
        message: `the key ${key.file} is not the key of the certificate`,
        also: { path: cert.path, message: "this certificate" },
        help: "give the two that were made together; in the file the certificate itself stands first, those that signed it follow",
      },
    ];
  }
  const why = whyNotTaken(certText!, keyText!);
  return why === undefined
    ? single
    : [
        ...single,
        { code: "OCSGW-6264", path: cert.path, message: `OpenSSL does not take this certificate with its key: ${why}` },
      ];
};

export const unfit = (code: string, { path, file }: Named, why: string): Finding => ({
  code,
  path,
  message: `${file}: ${why}`,
});

/** The first is the one that counts: of those that signed it, clients may know newer ones. */
const lifeProblems = (
  { path, file }: Named,
  [own, ...others]: readonly X509Certificate[],
  now: number,
): readonly Finding[] => {
  const { state, from, to } = lifeOf(own!, now);
  if (state === "ended")
    return [{ code: "OCSGW-6265", path, message: `${file}: the certificate has ended, on ${day(to)}` }];
  if (state === "not yet")
    return [{ code: "OCSGW-6265", path, message: `${file}: the certificate is not in force before ${day(from)}` }];
  const old = others.find((each) => lifeOf(each, now).state === "ended");
  return [
    ...(state === "ends soon"
      ? [
          {
            code: "OCSGW-6311",
            severity: "warning",
            path,
            message: `${file}: the certificate ends soon, on ${day(to)}`,
            help: "put a new one in its place; a running gateway notices",
          } as const,
        ]
      : []),
    ...(old
      ? [
          {
            code: "OCSGW-6312",
            severity: "warning",
            path,
            message: `${file}: a certificate that signed this one has ended, on ${day(old.validToDate)}`,
          } as const,
        ]
      : []),
  ];
};

/** A bundle may hold old ones beside those in force; without any in force nobody gets in. */
const authorityProblems = (authority: Named, files: Files, now: number): readonly Finding[] => {
  const { path, file } = authority;
  const text = textOf(authority, files);
  if (text === undefined) return [];
  const found = certificatesIn(text);
  if (typeof found === "string") return [unfit("OCSGW-6261", authority, found)];
  const ended = found.filter((each) => lifeOf(each, now).state === "ended");
  if (ended.length === 0) return [];
  const last = ended[0]!.validToDate;
  return ended.length === found.length
    ? [
        {
          code: "OCSGW-6265",
          path,
          message: `${file}: ${found.length === 1 ? "the certificate has" : "all its certificates have"} ended, on ${day(last)}`,
        },
      ]
    : [
        {
          code: "OCSGW-6312",
          severity: "warning",
          path,
          message: `${file}: one of its certificates has ended, on ${day(last)}`,
        },
      ];
};

/**
 * PostgreSQL's rule for key files: its owner's alone, or root's, which the service's group may read (ssl-cert, a
 * Kubernetes Secret with fsGroup). In a container nobody else is there to read it: a Docker secret has mode 0444, and
 * Kubernetes gives the group rights to all files of a volume.
 */
export const openToOthers = ({ path, file }: Named, { rightsOf, isContainer }: Files): readonly Finding[] => {
  const rights = rightsOf?.(file);
  if (!rights || (rights.mode & (rights.uid === 0 ? 0o037 : 0o077)) === 0) return [];
  const [mode, narrow] = [(rights.mode & 0o777).toString(8).padStart(4, "0"), rights.uid === 0 ? "640" : "600"];
  const message = `others than its owner have rights to the private key ${file}: its mode is ${mode}`;
  if (isContainer === true)
    return [
      {
        code: "OCSGW-6340",
        severity: "warning",
        path,
        message,
        help: "mode 0440 where the container's group may read it (Kubernetes: defaultMode: 0440 with fsGroup; a Docker secret: mode: 0440 and gid), else 0400",
      },
    ];
  const group =
    rights.uid === 0
      ? ` and chgrp it to the group of the gateway's user, or chown it to that user and chmod 600 ${inShell(file)}`
      : "";
  return [{ code: "OCSGW-6266", path, message, help: `chmod ${narrow} ${inShell(file)}${group}` }];
};

const day = (date: Date): string => date.toISOString().slice(0, 10);
