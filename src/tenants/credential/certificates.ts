/** Which client a certificate speaks for. Only names of the subject alternative name count, and only as a rule of the settings gives them. */
import { wildcard } from "../../wildcard.ts";
import { CredentialFault, Unusable, type CertificateRule, type Identity, type ShownCertificate } from "./types.ts";

export type CertificateTable = {
  /** Undefined for a certificate that names no client here: it may still bind a token. Throws Unusable for one that must not count at all. */
  readonly identify: (shown: ShownCertificate) => Identity | undefined;
};

type Rule = Omit<CertificateRule, "san_dns"> & { readonly takes: (name: string) => boolean };

/** Throws CredentialFault. */
export const createCertificateTable = (rules: readonly CertificateRule[]): CertificateTable => {
  const read = rules.map(({ san_dns, ...rule }): Rule => ({ ...rule, takes: patternOf(rule.name, san_dns) }));
  return {
    identify: (shown) => {
      if (shown.fault !== undefined)
        throw new Unusable("certificate-invalid", `the client certificate is not valid: ${shown.fault}`);
      const fitting = read.filter((rule) => fits(rule, shown));
      const [first] = fitting;
      if (!first) return undefined;
      if (fitting.some(({ client }) => client !== first.client))
        throw new Unusable("certificate-client", "the client certificate has names of several clients");
      return { client: first.client, credential: { kind: "certificate", id: shown.thumbprint }, ...tenantsOf(fitting) };
    },
  };
};

const LABEL = /^[a-z0-9-]+$/;

/** `*` stands for one character or more of the label that it is in. */
const patternOf = (rule: string, name: string): Rule["takes"] => {
  if (!/^[a-z0-9*-]+(?:\.[a-z0-9*-]+)*$/i.test(name))
    throw new CredentialFault(`certificate "${rule}": san_dns is no DNS name, with * for a part of a label`);
  const labels = name
    .toLowerCase()
    .split(".")
    .map((label) => wildcard(label, 1));
  return (shown) => {
    const parts = shown.split(".");
    return parts.length === labels.length && parts.every((part, at) => LABEL.test(part) && labels[at]!(part));
  };
};

const fits = ({ takes, authorities }: Rule, shown: ShownCertificate): boolean =>
  (authorities === undefined || shown.authorities.some((authority) => authorities.includes(authority))) &&
  shown.names.some(takes);

/** Every rule that fits gives its tenants; one that lists none speaks for all of its client's. */
const tenantsOf = (rules: readonly Rule[]): { readonly tenants?: readonly string[] } =>
  rules.some(({ tenants }) => tenants === undefined) ? {} : { tenants: rules.flatMap(({ tenants }) => tenants!) };
