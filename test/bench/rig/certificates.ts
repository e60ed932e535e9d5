/** The bench's own authority, and the one server certificate that the upstream and every peer use. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";

/** A DNS name in the certificate besides 127.0.0.1: nginx cannot verify an IP address. */
export const SERVER_NAME = "ocs.bench.example";

export type Certificates = {
  /** The authority's certificate, PEM. */
  readonly caPem: string;
  /** Paths of PEM files; `both` holds certificate and key, as HAProxy reads them. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly both: string;
};

export const createCertificates = (dir: string): Certificates => {
  const { certPem: caPem, issue } = createAuthority("bench");
  const { certPem, keyPem } = issue({ names: ["127.0.0.1", SERVER_NAME], usage: "serverAuth" });
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    caPem,
    ca: file("ca.pem", caPem),
    cert: file("server.pem", certPem),
    key: file("server.key", keyPem),
    both: file("server-both.pem", certPem + keyPem),
  };
};
