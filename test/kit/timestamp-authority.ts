/** A time stamping authority by `openssl ts`: keys and certificates in a directory, and answers to queries. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Authority = {
  /** PEM of the root. */
  readonly ca: string;
  readonly caFile: string;
  /** A TimeStampResp to a TimeStampReq. */
  readonly reply: (query: Buffer) => Buffer;
  /** Whether openssl itself takes the answer for these bytes. */
  readonly verifies: (response: Buffer, text: Buffer) => boolean;
};

type Options = {
  /** As `openssl req -newkey` takes it. */
  readonly key?: readonly string[];
  /** Extensions of the signer's certificate. */
  readonly extensions?: string;
  readonly digest?: string;
  readonly ess?: string;
  /** Between the root and the signer. */
  readonly intermediate?: string;
  /** By which hash its issuer signs the signer's certificate. */
  readonly issuedBy?: string;
  /** Another root gave the intermediate a certificate as well, and tokens bring that one first. */
  readonly isCrossSigned?: boolean;
  /** Of the signer's certificate. */
  readonly days?: readonly [from: string, to: string];
};

const EC = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const STAMPING = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n";

export const anAuthority = (
  dir: string,
  {
    key = EC,
    extensions = STAMPING,
    digest = "sha256",
    ess = "sha256",
    intermediate,
    issuedBy = "sha256",
    isCrossSigned = false,
    days,
  }: Options = {},
): Authority => {
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: readonly string[]): Buffer => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const request = (name: string, subject: string): Buffer =>
    openssl("req", "-newkey", ...key, "-nodes", "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
  openssl(
    "req",
    "-x509",
    "-newkey",
    ...EC,
    "-nodes",
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "3650",
    "-subj",
    "/CN=Test Root",
  );
  let issuer = "ca";
  if (intermediate !== undefined) {
    request("sub", "/CN=Test Intermediate");
    writeFileSync(at("sub.ext"), intermediate);
    openssl(
      "x509",
      "-req",
      "-in",
      "sub.csr",
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      "sub.pem",
      "-days",
      "3650",
      "-extfile",
      "sub.ext",
    );
    issuer = "sub";
  }
  request("tsa", "/CN=Test Authority");
  writeFileSync(at("tsa.ext"), extensions);
  if (days) {
    writeFileSync(at("index.txt"), "");
    writeFileSync(at("serial.txt"), "05\n");
    writeFileSync(
      at("ca.cnf"),
      `[ca]\ndefault_ca=c\n[c]\ndatabase=${at("index.txt")}\nserial=${at("serial.txt")}\n` +
        `new_certs_dir=${dir}\ndefault_md=sha256\npolicy=p\nrand_serial=no\nunique_subject=no\n` +
        `[p]\ncommonName=supplied\n`,
    );
    openssl(
      "ca",
      "-batch",
      "-config",
      "ca.cnf",
      "-in",
      "tsa.csr",
      "-cert",
      `${issuer}.pem`,
      "-keyfile",
      `${issuer}.key`,
      "-out",
      "tsa.pem",
      "-extfile",
      "tsa.ext",
      "-startdate",
      days[0],
      "-enddate",
      days[1],
      "-notext",
    );
  } else
    openssl(
      "x509",
      "-req",
      "-in",
      "tsa.csr",
      "-CA",
      `${issuer}.pem`,
      "-CAkey",
      `${issuer}.key`,
      "-CAcreateserial",
      "-out",
      "tsa.pem",
      "-days",
      "3650",
      `-${issuedBy}`,
      "-extfile",
      "tsa.ext",
    );
  let cross = "";
  if (isCrossSigned) {
    openssl(
      "req",
      "-x509",
      "-newkey",
      ...EC,
      "-nodes",
      "-keyout",
      "far.key",
      "-out",
      "far.pem",
      "-days",
      "3650",
      "-subj",
      "/CN=Far Root",
    );
    openssl(
      "x509",
      "-req",
      "-in",
      "sub.csr",
      "-CA",
      "far.pem",
      "-CAkey",
      "far.key",
      "-CAcreateserial",
      "-out",
      "cross.pem",
      "-days",
      "3650",
      "-extfile",
      "sub.ext",
    );
    cross = readFileSync(at("cross.pem"), "utf8");
  }
  writeFileSync(
    at("chain.pem"),
    `${cross}${issuer === "ca" ? "" : readFileSync(at("sub.pem"), "utf8")}${readFileSync(at("ca.pem"), "utf8")}`,
  );
  writeFileSync(at("serial"), "01\n");
  writeFileSync(
    at("ts.cnf"),
    `[tsa]\ndefault_tsa=t\n[t]\nserial=${at("serial")}\nsigner_cert=${at("tsa.pem")}\n` +
      `certs=${at("chain.pem")}\nsigner_key=${at("tsa.key")}\nsigner_digest=${digest}\n` +
      `default_policy=1.2.3.4\ndigests=sha256\ness_cert_id_alg=${ess}\naccuracy=secs:1\n`,
  );
  return {
    ca: readFileSync(at("ca.pem"), "utf8"),
    caFile: at("ca.pem"),
    reply: (query) => {
      writeFileSync(at("query"), query);
      openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "response");
      return readFileSync(at("response"));
    },
    verifies: (response, text) => {
      writeFileSync(at("asked"), response);
      writeFileSync(at("text"), text);
      try {
        openssl("ts", "-verify", "-in", "asked", "-data", "text", "-CAfile", "ca.pem", "-untrusted", "chain.pem");
        return true;
      } catch {
        return false;
      }
    },
  };
};
