/** Makes certificates for the sandbox's own HTTPS listeners. */
import { createAuthority } from "./certificates.ts";

/** Private key and certificate chain, both PEM. */
export type Certificate = { readonly key: string; readonly cert: string };

/** Makes a CA and a certificate for the hosts and for this machine. `ca`: the CA's certificate, PEM. */
export const ownCertificate = (
  authority: string,
  ...hosts: readonly string[]
): { readonly ca: string; readonly tls: Certificate } => {
  const made = createAuthority(authority);
  const { certPem, keyPem } = made.issue({
    names: [...new Set([...hosts, "localhost", "127.0.0.1", "::1"])],
    usage: "serverAuth",
  });
  return { ca: made.certPem, tls: { cert: certPem, key: keyPem } };
};
