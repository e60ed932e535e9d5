/** Certificates that the sandbox makes for its own HTTPS listeners. */
import { createAuthority } from "./certificates.ts";
import type { Certificate } from "./wire.ts";

/** A certificate for hosts and for this machine, and the PEM of the authority made for it. */
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
