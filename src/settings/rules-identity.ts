/** Whom an issuer, an authority or a certificate's rule may speak for. */
import type { Finding, Path } from "./problem.ts";
import { suggest } from "./nearest.ts";
import type { Rule } from "./rules.ts";
import { callbacksIn, clientsAt, type Facts } from "./facts.ts";

type Speaker = { readonly path: Path; readonly tenants: readonly string[] | null };

const speakersOf = ({ identity }: Facts): readonly Speaker[] =>
  (["jwt", "mtls"] as const).flatMap((kind) =>
    (identity?.value[kind] ?? []).map(({ tenants }, at) => ({ path: ["identity", kind, at], tenants })),
  );

const listedTenantsExist: Rule = (facts) => {
  const known = facts.tenants.flatMap(({ value }) => [value.name, String(value.dbid)]);
  return speakersOf(facts).flatMap(({ path, tenants }) =>
    (tenants ?? []).flatMap((tenant, at): Finding | [] => {
      if (known.includes(tenant) || !facts.tenantsWhole) return [];
      const help = suggest(tenant, known);
      return {
        code: "OCSGW-6245",
        path: [...path, "tenants", at],
        message: `there is no tenant ${JSON.stringify(tenant)}`,
        ...(help !== undefined && { help }),
      };
    }),
  );
};

/** Of one issuer for all tenants nothing can be asked. Where each has its own, one could mint for the other's clients. */
const issuersKnowTheirTenants: Rule = ({ identity, tenants }) => {
  const issuers = identity?.value.jwt ?? [];
  if (issuers.length < 2 || tenants.length < 2) return [];
  return issuers.flatMap(({ name, tenants: listed }, at): Finding | [] =>
    listed !== null
      ? []
      : {
          code: "OCSGW-6306",
          severity: "warning",
          path: ["identity", "jwt", at],
          message: `${name} may mint tokens for every tenant's clients, those of other issuers among them`,
          help: "list with tenants whom it may speak for",
        },
  );
};

const certificateOfClient: Rule = (facts) => {
  const { identity, tenantsWhole } = facts;
  const clients = clientsAt(facts);
  return (identity?.value.mtls ?? []).flatMap(({ client }, at): Finding | [] => {
    if (clients.has(client) || !tenantsWhole) return [];
    const help = suggest(client, [...clients]);
    return {
      code: "OCSGW-6307",
      severity: "warning",
      path: ["identity", "mtls", at, "client"],
      message: `no tenant has a client ${client}: its certificate opens nothing`,
      ...(help !== undefined && { help }),
    };
  });
};

const certificatesAreAskedFor: Rule = (facts) => {
  const { identity, listeners, whole } = facts;
  const asks =
    listeners.some(
      ({ value: { tls } }) => tls !== "none" && tls.client_ca !== null && tls.client_certificates !== "none",
    ) || callbacksIn(facts).some(({ value: { tls } }) => tls !== "none" && tls.client_ca !== null);
  if (asks || !whole || (identity?.value.mtls ?? []).length === 0) return [];
  return [
    {
      code: "OCSGW-6309",
      severity: "warning",
      path: ["identity", "mtls"],
      atKey: true,
      message: "no listener asks for client certificates",
      help: "give a listener tls.client_ca",
    },
  ];
};

const revocationNeedsAuthority: Rule = (facts) =>
  [...facts.listeners, ...callbacksIn(facts)].flatMap(({ path, value: { tls } }): Finding | [] =>
    tls === "none" || tls.client_crl === null || tls.client_ca !== null
      ? []
      : {
          code: "OCSGW-6246",
          path: [...path, "tls", "client_crl"],
          message: "revocation lists without client_ca: no client certificate is asked for",
        },
  );

/** `*` within a label is a pattern; a label that is nothing else, or a name without a dot, would take whole domains. */
const patternsAreNarrow: Rule = ({ identity }) =>
  (identity?.value.mtls ?? []).flatMap(({ san_dns: name }, at): Finding | [] => {
    const isName = /^[a-z0-9*-]+(\.[a-z0-9*-]+)*$/i.test(name);
    if (isName && /[a-z0-9]/i.test(name.split(".").at(-1)!) && !name.split(".").at(-1)!.includes("*")) return [];
    return {
      code: "OCSGW-6247",
      path: ["identity", "mtls", at, "san_dns"],
      message: "not a DNS name in which * stands for a part of one label",
      help: 'as in "ors-*.example.internal"',
    };
  });

export const identityRules: readonly Rule[] = [
  listedTenantsExist,
  issuersKnowTheirTenants,
  certificateOfClient,
  certificatesAreAskedFor,
  revocationNeedsAuthority,
  patternsAreNarrow,
];
