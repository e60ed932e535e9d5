/** Rules about certificate revocation lists (CRLs) and CAs of client certificates. */
import { readRevocationList, type RevocationList } from "../../../common/x509/certificate.ts";
import { listPems, listsOf, PemFault } from "../../../common/x509/pem.ts";
import { certificatesIn } from "../../files/certificates.ts";
import { callbacksIn, type ParsedParts } from "../parsed-parts.ts";
import type { Files } from "../../interpolate.ts";
import type { Finding } from "../../problems/problem.ts";
import { CERTIFICATES, renewal, unsuitable, type Named } from "./certificates.ts";

const PROBLEMS = {
  expiredCrl: (file: string) => ({
    code: "OCSGW-6315",
    severity: "warning" as const,
    message: `${file}: a revocation list (CRL) has expired, so the certificates of its authority are rejected`,
    help: `replace the file with a current list; ${renewal({})}`,
  }),
  expiringCrl: (file: string) => ({
    code: "OCSGW-6315",
    severity: "warning" as const,
    message:
      `${file}: a revocation list (CRL) expires within a day; after that the certificates of its authority are ` +
      "rejected",
    help: `replace the file with a newer list; ${renewal({})}`,
  }),
  anyAuthority: (name: string, authorities: number) => ({
    code: "OCSGW-6308",
    severity: "warning" as const,
    message: `any of ${authorities} authorities can issue a certificate that matches ${name}`,
    help: "set ca to the authority that issues these certificates",
  }),
} as const;

export const findRevocationProblems = (
  parts: ParsedParts,
  files: Files,
  now: number = Date.now(),
): readonly Finding[] => [
  ...listsIn(parts).flatMap((list) => listProblems(list, files, now)),
  ...authoritiesOfRules(parts, files),
  ...unpinned(parts, files),
];

const LISTS = {
  code: "OCSGW-6271",
  wanted: "revocation lists in PEM, each from -----BEGIN X509 CRL----- to its END line",
};

const listsIn = (parts: ParsedParts): readonly Named[] => [
  ...[...parts.listeners, ...callbacksIn(parts)].flatMap(({ path, value: { tls } }) =>
    tls === "none" || tls.client_crl === null ? [] : [{ path: [...path, "tls", "client_crl"], file: tls.client_crl }],
  ),
  ...parts.upstreams.flatMap(({ path, value: { tls } }) =>
    tls.crl === null ? [] : [{ path: [...path, "tls", "crl"], file: tls.crl }],
  ),
];

/** The file's text; undefined if it is unreadable, which `files.ts` reports. */
const textOf = (file: string, { readFile }: Files): string | undefined => {
  try {
    return readFile(file);
  } catch {
    return undefined;
  }
};

/** How long before its end an expiring list causes a warning. */
const SOON_MS = 86_400_000;

const listProblems = (list: Named, files: Files, now: number): readonly Finding[] => {
  const { path, file } = list;
  const text = textOf(file, files);
  if (text === undefined) return [];
  const lists = readLists(text);
  if (typeof lists === "string") return [unsuitable(LISTS, list, lists)];
  const end = Math.min(...lists.map(({ nextUpdate }) => nextUpdate));
  if (now >= end) return [{ ...PROBLEMS.expiredCrl(file), path }];
  return end - now > SOON_MS ? [] : [{ ...PROBLEMS.expiringCrl(file), path }];
};

/** The lists, or a sentence that says why there are none. */
const readLists = (text: string): readonly RevocationList[] | string => {
  try {
    // Throws if there is none.
    listPems(text);
    return listsOf(text).map(readRevocationList);
  } catch (error) {
    return error instanceof PemFault ? error.message : "one of its revocation lists (CRLs) is malformed";
  }
};

const authoritiesOfRules = ({ identity }: ParsedParts, files: Files): readonly Finding[] =>
  (identity?.value.mtls ?? []).flatMap(({ ca: file }, at): Finding | [] => {
    if (file === null) return [];
    const text = textOf(file, files);
    const found = text === undefined ? [] : certificatesIn(text);
    return typeof found === "string"
      ? unsuitable(CERTIFICATES, { path: ["identity", "mtls", at, "ca"], file }, found)
      : [];
  });

/** With several roots, each could issue certificates for any client, unless the entry names its CA. */
const unpinned = ({ identity, listeners }: ParsedParts, files: Files): readonly Finding[] => {
  const roots = new Set(
    listeners.flatMap(({ value: { tls } }) =>
      tls === "none" || tls.client_ca === null ? [] : rootsIn(textOf(tls.client_ca, files) ?? ""),
    ),
  );
  if (roots.size < 2) return [];
  return (identity?.value.mtls ?? []).flatMap(({ name, ca }, at): Finding | [] =>
    ca !== null ? [] : { ...PROBLEMS.anyAuthority(name, roots.size), path: ["identity", "mtls", at] },
  );
};

const rootsIn = (pem: string): readonly string[] => {
  const found = certificatesIn(pem);
  return typeof found === "string"
    ? []
    : found.filter((each) => each.checkIssued(each)).map(({ fingerprint256 }) => fingerprint256);
};
