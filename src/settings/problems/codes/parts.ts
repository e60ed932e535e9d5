/** Codes 62xx and 63xx of contradictions: two parts of the config do not fit, so it is not accepted. */
import type { CodeRow } from "./code-row.ts";

export const PARTS: Readonly<Record<number, CodeRow>> = {
  6201: {
    what: "two tenants of one OCS have the same name",
    help: "Use one entry for each tenant. Names that differ in case or in spaces only are the same for OCS.",
  },
  6202: { what: "two tenants of one OCS have the same DBID", help: "Correct one of the two DBIDs." },
  6203: {
    what: "a tenant names an upstream that does not exist",
    help: "Correct the name, or add the upstream under upstreams.",
  },
  6204: { what: "a campaign group's DBID is listed twice", help: "Remove one of the two, or correct it." },
  6205: { what: "a campaign group's name is listed twice", help: "Remove one of the two, or correct it." },
  6206: {
    what: "a pair of campaign id and group id is listed twice",
    help: "Remove one of the two, or correct it: OCS names a campaign group by this pair.",
  },
  6207: { what: "a campaign is listed twice", help: "Remove one of the two. A campaign belongs to one tenant." },
  6208: {
    what: "a calling list is listed twice",
    help: "Remove one of the two. A calling list belongs to one tenant.",
  },
  6209: {
    what: "a client's campaign_groups name a group that is not the tenant's",
    help: "List the group under the tenant's campaign_groups, or correct the DBID.",
  },
  6210: {
    what: "a client cannot choose between two tenants that have the same name and the same DBID on two upstreams",
    help: "Use one client for each upstream.",
  },
  6211: {
    what: "a tenant's name is another tenant's DBID",
    help:
      "Rename the tenant: clients may send a name or a DBID in Ocsgw-Tenant or in a token's claim, and this" +
      " value would be ambiguous.",
  },
  6221: {
    what: "records is dedicated, but the tenant shares its OCS with another tenant",
    help:
      "Give the tenant an OCS of its own, or choose pre-dial or registered; or unscoped, if you accept that" +
      " nothing separates the tenants' records.",
  },
  6222: {
    what: "records is required, because the tenant shares its OCS and record handles do not show their owner",
    help: "Set pre-dial or registered; or unscoped, if you accept that nothing separates the tenants' records.",
  },
  6223: {
    what: "an OCS on another host is reached over http",
    help: "Use https, or set allow_plaintext: true for this upstream if http is intended.",
  },
  6224: { what: "backup and primary are the same address", help: "Correct one of them, or remove backup." },
  6225: { what: "of a certificate and its key only one is set", help: "Set both, or remove the one that is there." },
  6226: {
    what: "a burst is smaller than the rate allows in one second",
    help: "Set burst to the rate's number or more, or remove it.",
  },
  6227: {
    what: "a TLS setting of an upstream has no effect, because none of its addresses is https",
    help: "Use https for primary or backup, or remove tls.",
  },
  6228: {
    what: "an upstream's address is the gateway itself, so requests would loop",
    help: "Set the address of the OCS.",
  },
  6229: {
    what: "a burst is too large for its rate: it would be counted over more than 24 days",
    help: "Set burst to the number that the message names, or less.",
  },
  6230: {
    what: "standby describes a backup OCS, but this upstream has no backup",
    help: "Set backup, or remove standby.",
  },
  6231: {
    what: "two listeners use the same port, and their addresses overlap",
    help:
      "Give one of them another port. 0.0.0.0 includes every IPv4 address, :: every address. Callbacks, " +
      "admin and probes are listeners too.",
  },
  6232: {
    what: "two listeners have the same name, or a listener has the name of the admin listener",
    help: "Give one of them another name.",
  },
  6233: {
    what: "a listener on a network address has tls: none, so others could read credentials and phone numbers",
    help:
      "Set tls.cert and tls.key, bind to 127.0.0.1, or list in allow_from nothing but the proxies that " +
      "terminate TLS in front of the gateway.",
  },
  6234: {
    what: "the admin listener has no TLS and is not on loopback",
    help: "Set admin.tls with cert and key, or bind to 127.0.0.1.",
  },
  6235: {
    what: "client certificates are required, but client_ca is missing",
    help: "Set client_ca to the PEM file with their CA, or client_certificates to none.",
  },
  6236: {
    what: "anybody on the network could read /metrics of the probes listener",
    help: "Write admin.probes as { bind, allow_from }, and list in allow_from the hosts that probe and scrape.",
  },
  6237: {
    what: "trusted_proxies includes every client, so each could claim any address",
    help: "List only the addresses of your proxies.",
  },
  6238: {
    what: "admin.session.idle is longer than admin.session.longest and has no effect",
    help: "Make idle shorter than longest, or leave it out.",
  },
  6241: {
    what: "no client can authenticate, because identity has none of jwt, mtls and keys",
    help: "Add identity.keys with a file, then run ocsgw keys create -c FILE --client NAME.",
  },
  6242: {
    what: "an issuer of tokens has no keys, or two sources of keys",
    help: "Set jwks_uri (the address of the issuer's key set) or jwks_file (a copy of it), not both.",
  },
  6243: {
    what: "an issuer's keys are fetched over http, so an attacker on the network could replace them and forge tokens",
    help: "Use https, or copy the key set into a file and set jwks_file.",
  },
  6244: {
    what: "two issuers have the same name, or the same issuer value",
    help: "Rename one, or remove one: one entry is for all tokens with this iss.",
  },
  6245: {
    what: "an issuer or a certificate rule names a tenant that does not exist",
    help: "Correct the name, or add the tenant.",
  },
  6246: {
    what: "client_crl has no effect, because client_ca is missing",
    help: "Set client_ca, or remove client_crl.",
  },
  6247: {
    what: "a DNS name of a certificate rule is malformed",
    help:
      "Write letters, digits and hyphens; * may stand for all or a part of any label but the last, for example " +
      "ors-*.example.internal.",
  },
  6248: {
    what: "API keys cannot be sent in this header, because HTTP, proxies or the gateway use it for something else",
    help: 'For Authorization: Basic write basic; otherwise use a header of your own, for example "header:X-Api-Key".',
  },
  6249: {
    what: "clock_skew is more than 5 minutes, so tokens would be accepted long after they have expired",
    help: "Set 5m or less; 30s is usual.",
  },
  6250: { what: "the OpenID provider's clock_skew is more than 5 minutes", help: "Set 5m or less; 30s is usual." },
  6272: {
    what: "a policy test of the config has another result than it expects",
    help: "Correct the setting that decided (the message names it), or the test's expect.",
  },
  6273: {
    what: "a policy test names a client that no tenant has",
    help: "Correct the client's name, or add the client to a tenant.",
  },
  6365: { what: "a policy test names an owner that is no tenant", help: "Correct the tenant's name." },
  6278: {
    what: "witness_quorum is larger than the number of configured witnesses",
    help: "Add witnesses under audit.checkpoint.witnesses, or lower witness_quorum.",
  },
  6279: {
    what: "a witness has the key that signs the journal's own checkpoints",
    help:
      "Use the verifier key that ocsgw witness prints on the witness's machine: a journal cannot be its own" +
      " witness.",
  },
  6280: {
    what: "OpenSSL knows no cipher suite in tls.ciphers",
    help: "Write for example DEFAULT@SECLEVEL=0. openssl ciphers -v LIST shows what a list contains.",
  },
  6281: {
    what: "a change of the file cannot be applied while the gateway runs",
    help: "Undo the change, or restart the gateway with this file. Until then the running config stays.",
  },
  6282: {
    what: "the config is valid, and could not be applied",
    help: "The message says what failed, for example an address in use. The running config stays.",
  },
  6291: {
    what: "records is pre-dial, but the upstream has no callbacks listener for OCS's announcements",
    help:
      "Add callbacks with bind and allow_from to the upstream, and set OCS's validation-uri to that " +
      "address. If the tenant has an OCS of its own, records: dedicated needs no callbacks.",
  },
  6292: {
    what: "records is registered, but no registrar may name this tenant",
    help: "Add a registrar under upstreams.<name>.callbacks.registrars, or add the tenant to one that is there.",
  },
  6293: {
    what: "a registrar names a tenant that this upstream does not have",
    help: "Correct the name. Only names are accepted here, no DBIDs.",
  },
  6294: {
    what: "a registrar is also a client of a tenant, and could assign the records of others to its own tenant",
    help: "Give the registrar a client name and a key of its own.",
  },
  6295: { what: "a registrar is listed twice", help: "Merge the two entries: one entry may list several tenants." },
  6296: {
    what: "any host could announce records, and so decide which tenant owns them",
    help: "List only the OCS hosts in callbacks.allow_from, or require a client certificate with tls.client_ca.",
  },
  6331: {
    what: "the gateway is stopping and does not reload",
    help: "Nothing: the next start reads all files. To reject a credential until then, use ocsgw revoke.",
  },
  6381: {
    what: "node has no effect without shared: it is the name of a gateway among those that share a database",
    help: "Add shared, or remove node.",
  },
  6382: {
    what: "the shared database is on another host and has tls: none, so others could read its password",
    help: "Set shared.tls to a map (ca names the server's CA), or allow_plaintext: true if tls: none is intended.",
  },
  6383: {
    what: "tls in shared or shared.peers has a certificate without its key, or a key without its certificate",
    help: "Set both, or remove the one that is there.",
  },
  6384: {
    what: "the address of the shared database names one server twice",
    help: "Name each server once: the database's server and its standbys.",
  },
  6385: {
    what: "the password of the shared database is set twice",
    help: "Remove it from the address, or remove shared.password.",
  },
  6386: {
    what: "shared.peers has neither a common key nor a client certificate, so the nodes cannot know each other",
    help: "Set common_key to the same key on all nodes, or tls.ca, tls.cert and tls.key.",
  },
  6387: {
    what: "shared.peers.tls has a client certificate and no ca: those of other nodes could not be verified",
    help: "Set tls.ca to the file of the CA that signed the certificates of the nodes.",
  },
  6388: {
    what: "shared.peers is set, and other nodes cannot reach this node's admin API",
    help: "Add admin, or set shared.peers.address to an address that the other nodes reach.",
  },
  6389: {
    what: "shared.peers.address is http on another host, so others could read what nodes answer each other",
    help: "Use https, with tls in admin. http is for nodes on one machine.",
  },
  6390: {
    what: "nodes are to show client certificates, and the admin listener has tls: none",
    help: "Set tls in admin, or use shared.peers.common_key alone.",
  },
  6366: {
    what: "a client has no action, and its tenant enforces its policy",
    help: "List at least one action, or remove the client. With mode: observe the list may be empty.",
  },
  6371: {
    what: "tls of a destination in audit.forward has no effect, because entries would be sent unencrypted",
    help: "Write syslog:tls:// or tls:// in to, or remove tls.",
  },
  6372: {
    what: "a destination in audit.forward has a certificate without its key, or a key without its certificate",
    help: "Set both, or remove the one that is there.",
  },
};
