/** Maps a client certificate to a client: by the DNS names of its subject alternative name, as the rules say. */
import { wildcard } from "../common/wildcard.ts";
import {
  CredentialSettingsError,
  RejectedCredential,
  type CertificateRule,
  type Identity,
  type PresentedCertificate,
} from "./types.ts";

export type CertificateTable = {
  /**
   * Undefined for a certificate that matches no rule: it may still bind a token. Throws RejectedCredential for an
   * invalid certificate, and for one that names several clients.
   */
  readonly identify: (certificate: PresentedCertificate) => Identity | undefined;
};

type Rule = Omit<CertificateRule, "san_dns"> & { readonly matches: (name: string) => boolean };

/** Throws CredentialSettingsError. */
export const createCertificateTable = (rules: readonly CertificateRule[]): CertificateTable => {
  const read = rules.map(({ san_dns, ...rule }): Rule => ({ ...rule, matches: patternOf(rule.name, san_dns) }));
  return {
    identify: (certificate) => {
      if (certificate.fault !== undefined)
        throw new RejectedCredential("certificate-invalid", `the client certificate is invalid: ${certificate.fault}`);
      const fitting = read.filter((rule) => fits(rule, certificate));
      const [first] = fitting;
      if (!first) return undefined;
      if (fitting.some(({ client }) => client !== first.client))
        throw new RejectedCredential("certificate-client", "the client certificate names several clients");
      return {
        client: first.client,
        credential: { kind: "certificate", id: certificate.thumbprint },
        ...tenantsOf(fitting),
      };
    },
  };
};

const LABEL = /^[a-z0-9-]+$/;

/** `*` matches one or more characters of its label. */
const patternOf = (rule: string, name: string): Rule["matches"] => {
  if (!/^[a-z0-9*-]+(?:\.[a-z0-9*-]+)*$/i.test(name))
    throw new CredentialSettingsError(
      `certificate "${rule}": san_dns is not a DNS name (* stands for a part of a label)`,
    );
  const labels = name
    .toLowerCase()
    .split(".")
    .map((label) => wildcard(label, 1));
  return (dnsName) => {
    const parts = dnsName.split(".");
    return parts.length === labels.length && parts.every((part, at) => LABEL.test(part) && labels[at]!(part));
  };
};

const fits = ({ matches, authorities }: Rule, certificate: PresentedCertificate): boolean =>
  (authorities === undefined || certificate.authorities.some((authority) => authorities.includes(authority))) &&
  certificate.names.some(matches);

/** The tenants of all matching rules; a rule without a list allows all tenants of its client. */
const tenantsOf = (rules: readonly Rule[]): { readonly tenants?: readonly string[] } =>
  rules.some(({ tenants }) => tenants === undefined) ? {} : { tenants: rules.flatMap(({ tenants }) => tenants!) };
