import { describe, expect, it } from "vitest";
import { mutated, placeOf, problemsIn, read, SAMPLE } from "../kit.ts";
import { patternOf } from "../../kit/pattern.ts";

type Change = readonly [from: string, to: string];
/**
 * `at`: the piece of the changed text that is pointed at; `also`: the other piece. A number is which one of several.
 */
type Case = {
  readonly says: string;
  readonly changes: readonly Change[];
  readonly code: string;
  readonly at: readonly [piece: string, nth?: number];
  readonly also?: readonly [piece: string, nth?: number];
  readonly message?: RegExp;
  readonly help?: RegExp;
};

const BETA_UPSTREAM: Change = [
  "  - name: Beta Tenant\n    dbid: 102\n    upstream: ocs-main",
  "  - name: Beta Tenant\n    dbid: 102\n    upstream: ocs-two",
];
const ANOTHER = (rest: string): Change => ["tenants:\n", `  ocs-two: { ${rest} }\ntenants:\n`];
const SECOND_LISTENER = (rest: string): Change => ["identity:\n", `  - { ${rest} }\nidentity:\n`];
const ADMIN = (rest: string): Change => ["admin: { bind: 127.0.0.1:9640 }\n", `admin: ${rest}\n`];
const OIDC = (rest: string, issuer = "https://sso.example/"): Change =>
  ADMIN(`{ bind: 127.0.0.1:9640, oidc: { issuer: "${issuer}", client_id: console, ${rest} } }`);
const TAIL = (rest: string): Change => ["  compress_after: 1d\n", `  compress_after: 1d\n${rest}\n`];
const ISSUER = (rest: string): Change => [
  "  # jwt:\n",
  `  jwt:\n    - { name: idp, issuer: "https://idp.example/", audience: us${rest} }\n  # jwt:\n`,
];

const MTLS = (rest: string): Change => [
  "  # jwt:\n",
  `  mtls: [{ name: ca, san_dns: "ors-*.example", ${rest} }]\n  # jwt:\n`,
];
const ISSUERS = (one: string, two: string): Change => [
  "  # jwt:\n",
  `  jwt:\n    - { name: one, issuer: "https://one.example/", ` +
    "audience: us, " +
    "jwks_uri: " +
    `"https://one.example/jwks"${one} }\n    - { name: two, issuer: ` +
    `"https://two.example/", ` +
    "audience: us, " +
    `jwks_uri: "https://two.example/jwks"${two} }\n  # jwt:\n`,
];
const CALLBACKS = (rest: string): Change => [
  "    connections: 4",
  `    callbacks: { allow_from: [10.0.0.5], ${rest} }\n    connections: 4`,
];
/** The verifier key of a witness, and the key that signs checkpoints with the same bytes. */
const WITNESS = "witness.example/audit+4f720a69+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
/** The same key under another name. */
const RENAMED = "witness.example/again+f12e6645+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
const LOG_KEY = "witness.example/audit+f53e79c6+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
const CHECKPOINT = (rest: string): Change => ["every: 60s }", `every: 60s, ${rest} }`];
const UNSCOPED = "upstream: ocs-main, records: unscoped";
const REGISTRAR = (rest: string): Change => CALLBACKS(`bind: "127.0.0.1:8444", registrars: [${rest}]`);

const ERRORS: readonly Case[] = [
  {
    says: "pre-dial without callbacks",
    changes: [["records: unscoped\n    fields", "records: pre-dial\n    fields"]],
    code: "OCSGW-6291",
    at: ["pre-dial\n    fields"],
    also: ["primary: http"],
    help: /validation-uri/,
  },
  {
    says: "registered without a registrar",
    changes: [["records: unscoped\n    fields", "records: registered\n    fields"]],
    code: "OCSGW-6292",
    at: ["registered"],
    help: /add callbacks to the upstream, with .* registrars: \[\{ client: NAME, tenants: \["Alpha Tenant"\] \}\]/,
  },
  {
    says: "registered without a registrar of this tenant",
    changes: [
      ["records: unscoped\n    fields", "records: registered\n    fields"],
      REGISTRAR("{ client: minter, tenants: [Beta Tenant] }"),
    ],
    code: "OCSGW-6292",
    at: ["registered"],
    help: /^add a registrar under upstreams\.ocs-main\.callbacks\.registrars, or add the tenant to one/,
  },
  {
    says: "a registrar of an unknown tenant",
    changes: [REGISTRAR("{ client: minter, tenants: [Alpha Tennant] }")],
    code: "OCSGW-6293",
    at: ["Alpha Tennant"],
    help: /Alpha Tenant/,
  },
  {
    says: "a registrar that is a tenant's client",
    changes: [REGISTRAR("{ client: beta-crm, tenants: [Alpha Tenant] }")],
    code: "OCSGW-6294",
    at: ["beta-crm"],
    also: ["{ actions: [AddRecord, DoNotCall"],
  },
  {
    says: "a duplicate registrar",
    changes: [REGISTRAR("{ client: minter, tenants: [Alpha Tenant] }, { client: minter, tenants: [Beta Tenant] }")],
    code: "OCSGW-6295",
    at: ["minter", 1],
    also: ["minter"],
  },
  {
    says: "callbacks open to all networks",
    changes: [
      ["    connections: 4", '    callbacks: { bind: "127.0.0.1:8444", allow_from: [0.0.0.0/0] }\n    connections: 4'],
    ],
    code: "OCSGW-6296",
    at: ["0.0.0.0/0"],
  },
  {
    says: "a missing certificate of the callbacks",
    changes: [CALLBACKS('bind: "127.0.0.1:8444", tls: { cert: no-such.crt, key: keys.yaml }')],
    code: "OCSGW-6252",
    at: ["no-such.crt"],
  },
  {
    says: "a quorum without witnesses",
    changes: [CHECKPOINT("witness_quorum: 1")],
    code: "OCSGW-6278",
    at: ["1 }"],
    message: /witness_quorum is 1, but the number of configured witnesses is 0/,
  },
  {
    says: "a quorum larger than the list",
    changes: [CHECKPOINT(`witness_quorum: 2, witnesses: [{ url: "https://w.example/", key: "${WITNESS}" }]`)],
    code: "OCSGW-6278",
    at: ["2, witnesses"],
    message: /witness_quorum is 2, but the number of configured witnesses is 1/,
  },
  {
    says: "a duplicate witness",
    changes: [
      CHECKPOINT(
        `witnesses: [{ url: "https://w.example/", key: "${WITNESS}" }, { url: "https://v.example/", key: ` +
          `"${WITNESS}" }]`,
      ),
    ],
    code: "OCSGW-6103",
    at: ["[{ url"],
    message: /expected each witness only once$/,
  },
  {
    says: "one witness under two names",
    changes: [
      CHECKPOINT(
        `witnesses: [{ url: "https://w.example/", key: "${WITNESS}" }, { url: "https://w.example/", key: ` +
          `"${RENAMED}" }]`,
      ),
    ],
    code: "OCSGW-6103",
    at: ["[{ url"],
    message: /expected each witness only once$/,
  },
  {
    says: "a truncated witness's key",
    changes: [CHECKPOINT(`witnesses: [{ url: "https://w.example/", key: "${WITNESS.slice(0, -4)}" }]`)],
    code: "OCSGW-6103",
    at: ['"witness.example'],
    message: /a key of this type has 32 bytes, but this one has 29/,
  },
  {
    says: "a witness's key with another id",
    changes: [
      CHECKPOINT(`witnesses: [{ url: "https://w.example/", key: "${WITNESS.replace(/\+.{8}\+/, "+00000000+")}" }]`),
    ],
    code: "OCSGW-6103",
    at: ['"witness.example'],
    message: /the id 00000000 does not match the key, whose id is 4f720a69/,
  },
  {
    says: "a witness's key under another name",
    changes: [CHECKPOINT(`witnesses: [{ url: "https://w.example/", key: "${WITNESS.replace("audit", "other")}" }]`)],
    code: "OCSGW-6103",
    at: ['"witness.example'],
    message: /the line was changed or truncated/,
  },
  {
    says: "a journal's key as a witness's key",
    changes: [CHECKPOINT(`witnesses: [{ url: "https://w.example/", key: "${LOG_KEY}" }]`)],
    code: "OCSGW-6103",
    at: ['"witness.example'],
    message: patternOf(
      /this is the key of a journal, which signs checkpoints \(type 0x01\).* write /,
      /witness\.example\/audit\+4f720a69\+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs/,
    ),
  },
  {
    says: "a witness's key of an unknown type",
    changes: [CHECKPOINT(`witnesses: [{ url: "https://w.example/", key: "witness.example/audit+00000000+AkFBQUE=" }]`)],
    code: "OCSGW-6103",
    at: ['"witness.example'],
    message: /has type 0x02, but only 0x04 \(Ed25519\) and 0x06 \(ML-DSA-44\) are supported/,
  },
  {
    says: "a witness without a key",
    changes: [CHECKPOINT('witnesses: [{ url: "https://w.example/" }]')],
    code: "OCSGW-6102",
    at: ["{ url"],
  },
  {
    says: "a witness without an address",
    changes: [CHECKPOINT(`witnesses: [{ url: "w.example", key: "${WITNESS}" }]`)],
    code: "OCSGW-6103",
    at: ['"w.example"'],
  },
  {
    says: "a timestamp authority whose certificates are missing",
    changes: [CHECKPOINT('timestamp: { url: "http://tsa.example/", ca: no-such.pem }')],
    code: "OCSGW-6252",
    at: ["no-such.pem"],
  },
  {
    says: "a timestamp authority with a file that is not a certificate",
    changes: [CHECKPOINT('timestamp: { url: "http://tsa.example/", ca: keys.yaml }')],
    code: "OCSGW-6261",
    at: ["keys.yaml }"],
  },
  {
    says: "the removed key audit.postgres",
    changes: [TAIL("  postgres: postgres://db/audit")],
    code: "OCSGW-6101",
    at: ["postgres:"],
    help: /audit export/,
  },
  {
    says: "an unknown key of a timestamp authority",
    changes: [CHECKPOINT('timestamp: { url: "http://tsa.example/", ca: keys.yaml, cert: keys.yaml }')],
    code: "OCSGW-6101",
    at: ["cert: keys"],
  },
  {
    says: "two tenants with one name",
    changes: [["name: Beta Tenant", "name: Alpha Tenant"]],
    code: "OCSGW-6201",
    at: ["Alpha Tenant", 1],
    also: ["Alpha Tenant"],
  },
  {
    says: "two tenants whose names differ in width, case and blanks",
    changes: [["name: Beta Tenant", 'name: "ＡLPHA  tenant"']],
    code: "OCSGW-6201",
    at: ['"ＡLPHA'],
    also: ["Alpha Tenant"],
  },
  {
    says: "two tenants with one DBID",
    changes: [["dbid: 102", "dbid: 101"]],
    code: "OCSGW-6202",
    at: ["101", 1],
    also: ["101"],
  },
  {
    says: "an unknown upstream",
    changes: [BETA_UPSTREAM],
    code: "OCSGW-6203",
    at: ["ocs-two"],
    message: /unknown upstream "ocs-two"/,
    help: /known: ocs-main/,
  },
  {
    says: "a misspelled upstream",
    changes: [["upstream: ocs-main\n    clients:\n      beta", "upstream: ocs-mian\n    clients:\n      beta"]],
    code: "OCSGW-6203",
    at: ["ocs-mian"],
    help: /did you mean `ocs-main`/,
  },
  {
    says: "a campaign group in two tenants",
    changes: [["dbid: 208", "dbid: 115"]],
    code: "OCSGW-6204",
    at: ["115", 1],
    also: ["115"],
    message: /belongs to two tenants/,
  },
  {
    says: "a duplicate campaign group in one tenant",
    changes: [["dbid: 115", "dbid: 106"]],
    code: "OCSGW-6204",
    at: ["106, name", 1],
    also: ["106, name"],
    message: /is listed twice/,
  },
  {
    says: "a campaign group's name in two tenants",
    changes: [["Beta Campaign@Beta Agents", "alpha winback@alpha agents"]],
    code: "OCSGW-6205",
    at: ['"alpha winback@'],
    also: ['"Alpha Winback@'],
  },
  {
    says: "the ids of one group in two tenants",
    changes: [['"Beta Campaign@Beta Agents"', '"B@B", campaign_id: 139, group_id: 234']],
    code: "OCSGW-6206",
    at: ["139", 1],
    also: ["139"],
    message: /the pair of ids campaign_id 139 with group_id 234 belongs to two tenants/,
    help: /^remove it from the tenant that does not own it, or correct it there$/,
  },
  {
    says: "a campaign in two tenants",
    changes: [["campaigns: [Beta Campaign]", 'campaigns: [Beta Campaign, "Alpha Campaign"]']],
    code: "OCSGW-6207",
    at: ['"Alpha Campaign"'],
    also: ["Alpha Campaign,"],
  },
  {
    says: "a list in two tenants, differing in case",
    changes: [["lists: [Beta List]", 'lists: ["ALPHA\u00A0LIST"]']],
    code: "OCSGW-6208",
    at: ['"ALPHA'],
    also: ["Alpha List,"],
    help: /case, width or spaces/,
  },
  {
    says: "a duplicate list in one tenant",
    changes: [["lists: [Beta List]", "lists: [Beta List, beta list]"]],
    code: "OCSGW-6208",
    at: ["beta list"],
    also: ["Beta List"],
    message: /is listed twice/,
  },
  {
    says: "a name in two tenants whose upstreams are one OCS",
    changes: [
      BETA_UPSTREAM,
      ANOTHER('primary: "https://127.0.0.1:18080"'),
      ["lists: [Beta List]", "lists: [Alpha List]"],
    ],
    code: "OCSGW-6208",
    at: ["Alpha List", 1],
    also: ["Alpha List"],
  },
  {
    says: "a grant for another tenant's group",
    changes: [["campaign_groups: [106]", "campaign_groups: [106, 208]"]],
    code: "OCSGW-6209",
    at: ["208"],
    help: /^correct the DBID \(the tenant's groups: 106, 115\), or add the group/,
  },
  {
    says: "a client of two tenants that it cannot distinguish",
    changes: [
      ANOTHER('primary: "https://ocs2.example:1"'),
      [
        "name: Beta Tenant\n    dbid: 102\n    upstream: ocs-main",
        "name: Alpha Tenant\n    dbid: 101\n    upstream: ocs-two",
      ],
      ["beta-crm:", "alpha-ors:"],
    ],
    code: "OCSGW-6210",
    at: ["alpha-ors:", 1],
    also: ["{ actions: [RecordProcessed"],
  },
  {
    says: "a tenant named like another's DBID",
    changes: [["name: Beta Tenant", 'name: "101"']],
    code: "OCSGW-6211",
    at: ['"101"'],
    also: ["101"],
    message: /is also the DBID of the tenant "Alpha Tenant"/,
  },
  {
    says: "a tenant named like another's DBID in wide digits",
    changes: [["name: Alpha Tenant", 'name: "１０２"']],
    code: "OCSGW-6211",
    at: ['"１０２'],
    also: ["102"],
  },
  {
    says: "a tenant named like the DBID of a tenant on another OCS",
    changes: [BETA_UPSTREAM, ANOTHER('primary: "https://ocs2.example:1"'), ["name: Beta Tenant", 'name: "101"']],
    code: "OCSGW-6211",
    at: ['"101"'],
    also: ["101"],
  },
  {
    says: "dedicated beside another tenant",
    changes: [["records: unscoped\n    fields", "records: dedicated\n    fields"]],
    code: "OCSGW-6221",
    at: ["dedicated"],
    also: ["ocs-main\n    clients:\n      beta"],
  },
  {
    says: "dedicated on two upstreams that are one OCS, over a backup",
    changes: [
      BETA_UPSTREAM,
      ANOTHER('primary: "https://ocs2.example:8443", backup: "http://127.0.0.1:18080"'),
      ["records: unscoped\n    limits", "records: dedicated\n    limits"],
    ],
    code: "OCSGW-6221",
    at: ["dedicated"],
    also: ["ocs-main\n    clients:\n      alpha"],
  },
  {
    says: "a shared OCS without stated records",
    changes: [["    records: unscoped\n    limits", "    limits"]],
    code: "OCSGW-6222",
    at: ["name: Beta Tenant"],
    also: ["ocs-main\n    clients:\n      alpha"],
  },
  {
    says: "http to another host",
    changes: [["http://127.0.0.1:18080", "http://10.1.2.3:18080"]],
    code: "OCSGW-6223",
    at: ["http://10.1.2.3"],
    help: /allow_plaintext: true/,
  },
  {
    says: "http to another host as the backup",
    changes: [["    connections: 4", "    backup: http://ocs2.example:80\n    connections: 4"]],
    code: "OCSGW-6223",
    at: ["http://ocs2"],
  },
  {
    says: "a cipher list unknown to OpenSSL",
    changes: [
      [
        "primary: http://127.0.0.1:18080",
        "primary: https://127.0.0.1:18443\n    tls: { ciphers: NOPE, pins: " +
          '["sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] }',
      ],
    ],
    code: "OCSGW-6280",
    at: ["NOPE"],
    help: /DEFAULT@SECLEVEL=0/,
  },
  {
    says: "a version of TLS without https",
    changes: [["    connections: 4", '    tls: { min_version: "1.2" }\n    connections: 4']],
    code: "OCSGW-6227",
    at: ['"1.2"'],
    also: ["http://127.0.0.1:18080"],
  },
  {
    says: "all addresses as trusted proxies",
    changes: [["    max_body: 64KiB", "    trusted_proxies: [{ from: [10.0.0.7, 0.0.0.0/0], sends: forwarded }]"]],
    code: "OCSGW-6237",
    at: ["[10.0.0.7, 0.0.0.0/0]"],
    help: /addresses of your proxies/,
  },
  {
    says: "all addresses as proxies in front of callbacks",
    changes: [CALLBACKS('bind: "127.0.0.1:0", trusted_proxies: [{ from: ["::/0"], sends: proxy-protocol }]')],
    code: "OCSGW-6237",
    at: ['["::/0"]'],
    help: /addresses of your proxies/,
  },
  {
    says: "a standby without a backup",
    changes: [["    connections: 4", "    standby: closes\n    connections: 4"]],
    code: "OCSGW-6230",
    at: ["closes"],
  },
  {
    says: "a backup with the primary's address",
    changes: [["    connections: 4", "    backup: https://127.0.0.1:18080\n    connections: 4"]],
    code: "OCSGW-6224",
    at: ["https://127.0.0.1:18080"],
    also: ["http://127.0.0.1:18080"],
  },
  {
    says: "a client certificate without its key",
    changes: [["    connections: 4", "    tls: { cert: keys.yaml }\n    connections: 4"]],
    code: "OCSGW-6225",
    at: ["keys.yaml }"],
  },
  {
    says: "a burst below the rate",
    changes: [["burst: 100", "burst: 49"]],
    code: "OCSGW-6226",
    at: ["49"],
    also: ["50/s"],
  },
  {
    says: "a burst of an action below its rate",
    changes: [["burst: 40", "burst: 19"]],
    code: "OCSGW-6226",
    at: ["19 "],
    also: ["20/s"],
  },
  {
    says: "a burst that is counted over a month",
    changes: [["{ rate: 50/s, burst: 100 }", "{ rate: 1/d, burst: 30 }"]],
    code: "OCSGW-6229",
    at: ["30"],
    also: ["1/d"],
    help: /24 or less/,
  },
  {
    says: "a burst of an action that is counted over a month",
    changes: [["{ rate: 20/s, burst: 40 }", "{ rate: 1/h, burst: 577 }"]],
    code: "OCSGW-6229",
    at: ["577"],
    also: ["1/h"],
    help: /576 or less/,
  },
  {
    says: "two listeners on one address",
    changes: [SECOND_LISTENER('name: other, bind: "127.0.0.1:8443", tls: none')],
    code: "OCSGW-6231",
    at: ['"127.0.0.1:8443"'],
    also: ["127.0.0.1:8443"],
  },
  {
    says: "a listener on every address of a taken port",
    changes: [SECOND_LISTENER('name: other, bind: "0.0.0.0:8443", tls: none, allow_from: [10.0.0.1]')],
    code: "OCSGW-6231",
    at: ['"0.0.0.0:8443"'],
    also: ["127.0.0.1:8443"],
    message: /^two listeners use port 8443, and their addresses overlap$/,
    help: /0\.0\.0\.0 includes every IPv4 address/,
  },
  {
    says: "the admin listener on a client's port",
    changes: [ADMIN("{ bind: 127.0.0.1:8443 }")],
    code: "OCSGW-6231",
    at: ["127.0.0.1:8443 }"],
    also: ["127.0.0.1:8443"],
  },
  {
    says: "a listener with the admin listener's name",
    changes: [["  - name: clients\n", "  - name: admin\n"]],
    code: "OCSGW-6232",
    at: ["admin"],
    also: ["127.0.0.1:9640", 1],
  },
  {
    says: "two listeners with one name",
    changes: [SECOND_LISTENER('name: clients, bind: "127.0.0.1:0", tls: none')],
    code: "OCSGW-6232",
    at: ["clients", 2],
    also: ["clients"],
  },
  {
    says: "no TLS towards the network",
    changes: [["bind: 127.0.0.1:8443", "bind: 0.0.0.0:8443"]],
    code: "OCSGW-6233",
    at: ["none"],
    also: ["0.0.0.0:8443"],
  },
  {
    says: "the admin listener without TLS off loopback",
    changes: [ADMIN("{ bind: 10.0.0.7:9640, tls: none }")],
    code: "OCSGW-6234",
    at: ["10.0.0.7"],
    also: ["none }"],
  },
  {
    says: "the listener of probes on a client's port",
    changes: [ADMIN("{ bind: 127.0.0.1:9640, probes: { bind: 0.0.0.0:8443, allow_from: [10.0.0.0/8] } }")],
    code: "OCSGW-6231",
    at: ["0.0.0.0:8443, allow"],
    also: ["127.0.0.1:8443"],
  },
  {
    says: "an OpenID provider over http off loopback",
    changes: [OIDC("claims: { role: roles }", "http://sso.example/")],
    code: "OCSGW-6258",
    at: ['"http://sso.example/"'],
  },
  {
    says: "a console over http off loopback for the OpenID provider",
    changes: [OIDC('claims: { role: roles }, address: "http://console.example"')],
    code: "OCSGW-6258",
    at: ['"http://console.example"'],
  },
  {
    says: "an OpenID provider whose claim gives no role",
    changes: [OIDC("claims: { role: roles }, roles: { viewer: [], operator: [], auditor: [] }")],
    code: "OCSGW-6259",
    at: ["{ viewer"],
  },
  {
    says: "a value for all tenants where no claim names tenants",
    changes: [OIDC("claims: { role: roles }, all_tenants: everything")],
    code: "OCSGW-6260",
    at: ["everything"],
  },
  {
    says: "a value for all tenants that is one tenant's name",
    changes: [OIDC("claims: { role: roles, tenants: tenants }, all_tenants: Beta Tenant")],
    code: "OCSGW-6260",
    at: ["Beta Tenant }"],
  },
  {
    says: "a value for all tenants that is one tenant's DBID",
    changes: [OIDC('claims: { role: roles, tenants: tenants }, all_tenants: "102"')],
    code: "OCSGW-6260",
    at: ['"102"'],
  },
  {
    says: "a clock skew of the OpenID provider above 5m",
    changes: [OIDC("claims: { role: roles }, clock_skew: 6m")],
    code: "OCSGW-6250",
    at: ["6m"],
  },
  {
    says: "client certificates demanded without a CA",
    changes: [["tls: none\n", "tls: { cert: keys.yaml, key: keys.yaml, client_certificates: require }\n"]],
    code: "OCSGW-6235",
    at: ["require }"],
  },
  {
    says: "no identity at all",
    changes: [['identity:\n  keys:\n    file: keys.yaml\n    carriers: [basic, "header:X-Api-Key"]\n', ""]],
    code: "OCSGW-6241",
    at: ["#"],
  },
  { says: "an issuer without keys", changes: [ISSUER("")], code: "OCSGW-6242", at: ["{ name: idp"] },
  {
    says: "an issuer with two key sets",
    changes: [ISSUER(', jwks_uri: "https://idp.example/k", jwks_file: keys.yaml')],
    code: "OCSGW-6242",
    at: ["keys.yaml", 1],
    also: ['"https://idp.example/k"'],
  },
  {
    says: "an issuer's keys over http",
    changes: [ISSUER(', jwks_uri: "http://idp.example/k"')],
    code: "OCSGW-6243",
    at: ['"http://idp.example/k"'],
  },
  {
    says: "a duplicate issuer",
    changes: [
      ISSUER(", jwks_file: keys.yaml"),
      ["  # jwt:\n", '    - { name: idp2, issuer: "https://idp.example/", audience: them, jwks_file: keys.yaml }\n'],
    ],
    code: "OCSGW-6244",
    message: /two issuers have the same issuer "https:\/\/idp\.example\/"/,
    help: /^remove one of the two, or correct it if it is a mistake: one entry is for all tokens/,
    at: ['"https://idp.example/"', 1],
    also: ['"https://idp.example/"'],
  },
  {
    says: "the trial key at a listener for others",
    changes: [
      ["bind: 127.0.0.1:8443\n    tls: none", "bind: 0.0.0.0:8443\n    tls: none\n    allow_from: [10.0.0.0/8]"],
    ],
    code: "OCSGW-6270",
    at: ["${OCSGW_INDEX_KEY"],
    also: ["0.0.0.0:8443"],
    help: /openssl rand/,
  },
  {
    says: "the trial key, spelled as files and shells do",
    changes: [
      ["http://127.0.0.1:18080", "https://ocs1.example.internal:8443"],
      ["${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}", '"\\uFEFFFor-a-trial-only-not-a-secret-at-all\\n"'],
    ],
    code: "OCSGW-6270",
    at: ['"\\uFEFF'],
    also: ["https://ocs1.example.internal:8443\n    # primary"],
  },
  {
    says: "the trial key as the newest of several",
    changes: [
      ["http://127.0.0.1:18080", "http://10.1.2.3:18080\n    allow_plaintext: true"],
      [
        "index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}",
        "index_key: [{ epoch: t1, secret: a-key-of-this-site-and-32-characters }, { epoch: t2, secret: " +
          "for-a-trial-only-not-a-secret-at-all }]",
      ],
    ],
    code: "OCSGW-6270",
    at: ["for-a-trial-only-not-a-secret-at-all }"],
  },
  {
    says: "the trial key with an OCS that announces records from another host",
    changes: [CALLBACKS('bind: "10.0.0.7:8444", allow_from: [10.0.0.5/32]')],
    code: "OCSGW-6270",
    at: ["${OCSGW_INDEX_KEY"],
  },
  {
    says: "the trial key with an admin listener for others",
    changes: [ADMIN("{ bind: 10.0.0.7:9640 }")],
    code: "OCSGW-6270",
    at: ["${OCSGW_INDEX_KEY"],
  },
  {
    says: "the trial key with a backup on another host",
    changes: [
      ["    # backup: https://ocs2.example.internal:8443\n", "    backup: https://ocs2.example.internal:8443\n"],
    ],
    code: "OCSGW-6270",
    at: ["${OCSGW_INDEX_KEY"],
  },
  {
    says: "an index key that can be guessed",
    changes: [["-for-a-trial-only-not-a-secret-at-all", "-short"]],
    code: "OCSGW-6269",
    at: ["${OCSGW_INDEX_KEY:-short}"],
  },
  {
    says: "a journal's name that is not a key name",
    changes: [["ocsgw.example.com/main", "ocsgw+main"]],
    code: "OCSGW-6103",
    at: ["ocsgw+main"],
  },
  {
    says: "an invalid key set",
    changes: [ISSUER(", jwks_file: keys.yaml")],
    code: "OCSGW-6267",
    at: ["keys.yaml", 1],
    message: /it is not JSON/,
  },
  {
    says: "a missing certificate",
    changes: [["tls: none\n", "tls: { cert: no-such.crt, key: keys.yaml }\n"]],
    code: "OCSGW-6252",
    at: ["no-such.crt"],
    message: /no such file/,
  },
  {
    says: "an issuer for an unknown tenant",
    changes: [ISSUERS(", tenants: [Alpha Tennant]", ', tenants: ["102"]')],
    code: "OCSGW-6245",
    at: ["Alpha Tennant"],
    help: /did you mean `Alpha Tenant`/,
  },
  {
    says: "a certificate for an unknown tenant",
    changes: [MTLS("client: alpha-ors, tenants: [Gamma]")],
    code: "OCSGW-6245",
    at: ["Gamma"],
  },
  {
    says: "revocation lists without an authority",
    changes: [["    tls: none", "    tls: { cert: a.crt, key: a.key, client_crl: a.crl }"]],
    code: "OCSGW-6246",
    at: ["a.crl"],
  },
  {
    says: "revocation lists of the callbacks without an authority",
    changes: [CALLBACKS('bind: "127.0.0.1:8444", tls: { cert: a.crt, key: a.key, client_crl: a.crl }')],
    code: "OCSGW-6246",
    at: ["a.crl"],
  },
  {
    says: "a tenant name in two spellings of a campaign",
    changes: [["campaigns: [Beta Campaign]", "campaigns: [beta campaign, Beta Campaign]"]],
    code: "OCSGW-6207",
    at: ["Beta Campaign]"],
    also: ["beta campaign"],
    help: /^remove one of the two, or correct it if it is a mistake; names that differ only in case/,
  },
  {
    says: "a group in two spellings of two tenants",
    changes: [["lists: [Beta List]", "lists: [ALPHA LIST]"]],
    code: "OCSGW-6208",
    at: ["ALPHA LIST"],
    also: ["Alpha List,"],
    help: /^remove it from the tenant that does not own it, or correct it there; names that differ only in case/,
  },
  {
    says: "an anchor within the journal's directory, by another spelling",
    changes: [CHECKPOINT("anchor: audit/../audit/anchor")],
    code: "OCSGW-6276",
    at: ["audit/../audit/anchor"],
    help: /remove the setting/,
  },
  {
    says: "an absolute anchor within the journal's directory",
    changes: [CHECKPOINT("anchor: /etc/ocsgw/audit/anchor")],
    code: "OCSGW-6276",
    at: ["/etc/ocsgw/audit/anchor"],
    help: /remove the setting/,
  },
  {
    says: "a journal without a directory of its own",
    changes: [["dir: ./audit", "dir: /"]],
    code: "OCSGW-6276",
    at: ["/\n  redact"],
    help: /^give the journal a directory of its own/,
  },
  {
    says: "a pattern that matches every name",
    changes: [["  # jwt:\n", '  mtls: [{ name: ca, san_dns: "*", client: alpha-ors }]\n']],
    code: "OCSGW-6247",
    at: ['"*"'],
  },
  {
    says: "a session that ends without use after it has ended in any case",
    changes: [ADMIN("{ bind: 127.0.0.1:9640, session: { idle: 2h, longest: 1h } }")],
    code: "OCSGW-6238",
    message: /idle \(2h\) has no effect: it is longer than admin\.session\.longest \(1h\)/,
    at: ["2h, longest"],
    also: ["1h } }"],
  },
];

const WARNINGS: readonly Case[] = [
  {
    says: "an address of the console to which the admin listener does not answer",
    changes: [OIDC('claims: { role: roles }, address: "https://console.example"')],
    code: "OCSGW-6328",
    at: ['"https://console.example"'],
    help: /admin\.names/,
  },
  {
    says: "one DBID of two tenants on two OCS",
    changes: [
      ANOTHER('primary: "http://127.0.0.1:18999"'),
      ["dbid: 102\n    upstream: ocs-main", "dbid: 101\n    upstream: ocs-two"],
    ],
    code: "OCSGW-6317",
    at: ["101", 1],
    also: ["101"],
    message: /Do-Not-Calls of a DBID in one sequence/,
  },
  {
    says: "an upstream without tenants",
    changes: [ANOTHER('primary: "https://ocs2.example:8443"')],
    code: "OCSGW-6301",
    at: ["ocs-two"],
  },
  {
    says: "an old TLS with OCS",
    changes: [
      [
        "primary: http://127.0.0.1:18080",
        "primary: https://127.0.0.1:18443\n    tls: { min_version: " +
          '"1.0", pins: ' +
          '["sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] }',
      ],
    ],
    code: "OCSGW-6319",
    at: ['"1.0"'],
    help: /raise min_version/,
  },
  {
    says: "an OCS whose certificate any public CA may issue",
    changes: [["http://127.0.0.1:18080", "https://ocs.example:8443"]],
    code: "OCSGW-6316",
    at: ["ocs-main:"],
    help: /tls\.ca/,
  },
  {
    says: "one client with two spellings",
    changes: [
      ["beta-crm:", "Alpha-ORS:"],
      ["as: beta-crm", "as: beta-ops"],
    ],
    code: "OCSGW-6302",
    at: ["Alpha-ORS"],
    also: ["{ actions: [RecordProcessed"],
  },
  {
    says: "a short index key",
    changes: [["-for-a-trial-only-not-a-secret-at-all", "-shorter-than-32-characters"]],
    code: "OCSGW-6303",
    at: ["${OCSGW_INDEX_KEY:-short"],
    message: /has 26 characters, fewer than 32/,
    help: /use 32 or more random characters/,
  },
  {
    says: "a short index key that makes no tokens any more",
    changes: [
      [
        "index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}",
        `index_key: [{ epoch: t1, secret: only-20-characters-x }, { epoch: t2, secret: ${"k".repeat(40)} }]`,
      ],
    ],
    code: "OCSGW-6303",
    at: ["only-20-characters-x"],
    help: /makes no new tokens: leave it as it is/,
  },
  {
    says: "a share that is negligible beside another",
    changes: [
      ["    records: unscoped\n    limits:\n      requests: { rate: 50/s }", "    records: unscoped\n    share: 101"],
    ],
    code: "OCSGW-6314",
    at: ["name: Alpha Tenant"],
    also: ["101", 1],
    message: /fewer than one turn in a hundred/,
  },
  {
    says: "more tenants than their lanes can serve",
    changes: [
      ["connections: 4", "connections: 1"],
      [
        "audit:\n",
        [
          ...Array.from({ length: 7 }, (_, at) => `  - { name: T${at}, dbid: ${900 + at}, ${UNSCOPED} }\n`),
          "audit:\n",
        ].join(""),
      ],
    ],
    code: "OCSGW-6313",
    at: ["1\n    lane_isolation"],
    help: /connections to 2 or more/,
  },
  {
    says: "one lane for gateways that share a database",
    changes: [
      ["connections: 4", "connections: 1"],
      ["# config: { watch: all }", 'shared: { postgres: "postgresql://ocsgw@db1/ocsgw", tls: {} }'],
    ],
    code: "OCSGW-6344",
    at: ["1\n    lane_isolation"],
    help: /at least twice the number of gateways/,
  },
  {
    says: "a keys file that does not exist yet",
    changes: [["file: keys.yaml", "file: none-yet.yaml"]],
    code: "OCSGW-6304",
    at: ["none-yet.yaml"],
    help: /^ocsgw keys create -c \S*ocsgw\.yaml --client NAME creates the file$/,
  },
  {
    says: "clients without keys",
    changes: [["fields: any", "fields: any"]],
    code: "OCSGW-6305",
    at: ["keys.yaml"],
    message: /alpha-ors, alpha-ops, beta-crm, beta-ops/,
    help: /^ocsgw keys create -c \S*ocsgw\.yaml --client alpha-ors$/,
  },
  {
    says: "client certificates that no listener requests",
    changes: [MTLS("client: alpha-ors")],
    code: "OCSGW-6309",
    at: ["mtls: [{"],
    help: /on a listener, .*; or, for registrars, on callbacks, where OCS must then send a client certificate too/,
  },
  {
    says: "a certificate rule for an unknown client",
    changes: [MTLS("client: alpha-orz")],
    code: "OCSGW-6307",
    at: ["alpha-orz"],
    help: /did you mean `alpha-ors`/,
  },
  {
    says: "two issuers for all tenants",
    changes: [ISSUERS("", ", tenants: [Beta Tenant]")],
    code: "OCSGW-6306",
    at: ["{ name: one"],
    help: /tenants/,
  },
  {
    says: "a tenant alone on its OCS without callbacks",
    changes: [
      BETA_UPSTREAM,
      ANOTHER('primary: "https://ocs2.example:1"'),
      ["    records: unscoped\n    limits", "    limits"],
    ],
    code: "OCSGW-6321",
    at: ["name: Beta Tenant"],
    also: ["{ primary"],
    message: /by default/,
  },
  {
    says: "registrars' keys without TLS",
    changes: [CALLBACKS('bind: "10.0.0.7:8444", registrars: [{ client: minter, tenants: [Alpha Tenant] }]')],
    code: "OCSGW-6322",
    at: ["[{ client: minter"],
  },
  {
    says: "a validator over http",
    changes: [CALLBACKS('bind: "127.0.0.1:8444", validator: "http://10.0.0.9/v"')],
    code: "OCSGW-6323",
    at: ['"http://10'],
  },
  {
    says: "the listener of probes open to the whole network",
    changes: [ADMIN("{ bind: 127.0.0.1:9640, probes: { bind: 0.0.0.0:9700 } }")],
    code: "OCSGW-6236",
    at: ["0.0.0.0:9700"],
  },
  {
    says: "the listener of probes open to everybody by a /0 network",
    changes: [ADMIN("{ bind: 127.0.0.1:9640, probes: { bind: 0.0.0.0:9700, allow_from: [0.0.0.0/0] } }")],
    code: "OCSGW-6236",
    at: ["0.0.0.0:9700"],
  },
];

/** Off loopback the sample's trial key is an error of its own, which these cases are not about. */
const ofASite = (...changes: readonly Change[]): string =>
  mutated(...changes).replace("for-a-trial-only-not-a-secret-at-all", "a-key-of-this-site-and-32-characters");

const expectTold = ({ changes, code, at, also, message, help }: Case): void => {
  const text = code === "OCSGW-6270" ? mutated(...changes) : ofASite(...changes);
  const found = problemsIn(text).find((problem) => problem.code === code && sameAs(problem, placeOf(text, ...at)));
  expect(
    found,
    `${code} at ${JSON.stringify(placeOf(text, ...at))} in ${JSON.stringify(problemsIn(text), null, 1)}`,
  ).toBeDefined();
  if (also) expect(found?.also).toMatchObject(placeOf(text, ...also));
  if (message) expect(found?.message).toMatch(message);
  if (help) expect(found?.help).toMatch(help);
};

const sameAs = (one: { line: number; column: number }, other: { line: number; column: number }): boolean =>
  one.line === other.line && one.column === other.column;

describe("the rules", () => {
  it.each(ERRORS.map((each) => [each.says, each] as const))("refuse %s", (_, each) => {
    expectTold(each);
    expect(read(mutated(...each.changes)).ok).toBe(false);
  });

  it.each(WARNINGS.map((each) => [each.says, each] as const))("warn of %s and load", (_, each) => {
    expectTold(each);
    expect(read(ofASite(...each.changes)).ok).toBe(true);
  });

  it.each<[string, readonly Change[]]>([
    [
      "plain http to another host with allow_plaintext",
      [["http://127.0.0.1:18080", "http://10.1.2.3:18080\n    allow_plaintext: true"]],
    ],
    [
      "no TLS behind a listed proxy",
      [["bind: 127.0.0.1:8443\n    tls: none", "bind: 0.0.0.0:8443\n    tls: none\n    allow_from: [10.0.0.0/8]"]],
    ],
    ["no TLS on IPv6 loopback", [["bind: 127.0.0.1:8443", 'bind: "[::1]:8443"']]],
    [
      "two listeners on free ports",
      [["bind: 127.0.0.1:8443", "bind: 127.0.0.1:0"], SECOND_LISTENER('name: other, bind: "127.0.0.1:0", tls: none')],
    ],
    ["two listeners on two addresses", [SECOND_LISTENER('name: other, bind: "127.0.0.2:8443", tls: none')]],
    [
      "dedicated on a separate OCS",
      [
        BETA_UPSTREAM,
        ANOTHER(`primary: "https://ocs2.example:8443", tls: { pins: ["sha256:${"A".repeat(43)}="] }`),
        ["records: unscoped\n    limits", "records: dedicated\n    limits"],
      ],
    ],
    [
      "equal names on two OCS",
      [
        BETA_UPSTREAM,
        ANOTHER(`primary: "https://ocs2.example:8443", tls: { pins: ["sha256:${"A".repeat(43)}="] }`),
        ["lists: [Beta List]", "lists: [Alpha List]"],
        ["dbid: 208", "dbid: 106"],
      ],
    ],
    ["a small burst for a slow rate", [["{ rate: 50/s, burst: 100 }", "{ rate: 300/m, burst: 5 }"]]],
    ["a burst that is counted over 24 days", [["{ rate: 50/s, burst: 100 }", "{ rate: 1/d, burst: 24 }"]]],
    ["probes on loopback", [ADMIN("{ bind: 127.0.0.1:9640, probes: { bind: 127.0.0.1:9641 } }")]],
    [
      "probes for some networks",
      [ADMIN("{ bind: 127.0.0.1:9640, probes: { bind: 0.0.0.0:9641, allow_from: [10.0.0.0/8] } }")],
    ],
    ["the admin listener on loopback without TLS", [ADMIN('{ bind: "[::1]:9640", tls: none }')]],
  ])("accept %s", (_, changes) => {
    expect(problemsIn(ofASite(...changes)).filter(({ code }) => code !== "OCSGW-6305")).toEqual([]);
  });

  it("refuse headers that HTTP or the gateway use, with the word for Authorization", () => {
    const text = mutated(['"header:X-Api-Key"]', '"header:Ocsgw-Tenant", "header:Authorization"]']);
    expect(problemsIn(text).filter(({ code }) => code === "OCSGW-6248")).toMatchObject(
      ["ocsgw-tenant", "authorization"].map((header) => ({
        message:
          `API keys cannot be sent in the header ${header}: HTTP, proxies or the gateway use it for ` +
          "something else",
        help: expect.stringMatching(
          /^for Authorization: Basic write basic; otherwise use a header of your own/,
        ) as string,
      })),
    );
  });

  it.each<[string, Change]>([
    ["an IPv4 and an IPv6 listener on one port", SECOND_LISTENER('name: other, bind: "[::1]:8443", tls: none')],
    ["a journal's directory with a slash at its end", ["dir: ./audit", "dir: ./audit/"]],
    ["an anchor with the journal's name elsewhere", CHECKPOINT("anchor: /var/lib/audit/anchor")],
  ])("accept %s", (_what, change) => {
    const codes = problemsIn(mutated(change)).map(({ code }) => code);
    expect(codes.filter((code) => ["OCSGW-6231", "OCSGW-6276"].includes(code))).toEqual([]);
  });

  it("accept every IPv4 address beside one of IPv6 on the same port, and not beside all of IPv6", () => {
    const codes = (bind: string): boolean =>
      problemsIn(
        mutated(["bind: 127.0.0.1:8443", "bind: 0.0.0.0:8443"], SECOND_LISTENER(`name: o, bind: "${bind}", tls: none`)),
      ).some(({ code }) => code === "OCSGW-6231");
    expect([codes("[fe80::1]:8443"), codes("[::]:8443"), codes("localhost:8443")]).toEqual([false, true, true]);
  });

  it("accept the trial key of the samples on loopback, and as an older epoch", () => {
    const older = mutated(
      ["http://127.0.0.1:18080", "http://10.1.2.3:18080\n    allow_plaintext: true"],
      [
        "index_key: ${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}",
        "index_key: [{ epoch: t1, secret: for-a-trial-only-not-a-secret-at-all }, { epoch: t2, secret: " +
          "a-key-of-this-site-and-32-characters }]",
      ],
    );
    for (const text of [mutated(), mutated(["bind: 127.0.0.1:8443", 'bind: "[::1]:8443"']), older])
      expect(problemsIn(text).filter(({ code }) => code === "OCSGW-6270")).toEqual([]);
  });

  it("report all problems at once, errors first, in file order", () => {
    const text = mutated(
      ["max_body", "max_bodi"],
      ["dbid: 102", "dbid: 101"],
      ["fields: any", "fields: [GSW_X]"],
      ["campaign_groups: [106]", "campaign_groups: [107]"],
      ["${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}", "${NOPE}"],
    );
    expect(problemsIn(text).map(({ code, severity }) => [code, severity])).toEqual([
      ["OCSGW-6101", "error"],
      ["OCSGW-6209", "error"],
      ["OCSGW-6103", "error"],
      ["OCSGW-6202", "error"],
      ["OCSGW-6011", "error"],
      ["OCSGW-6305", "warning"],
    ]);
  });

  it("do not report as missing what may only be malformed or misspelled", () => {
    const codes = (...changes: readonly Change[]): readonly string[] =>
      problemsIn(mutated(...changes))
        .filter(({ severity }) => severity === "error")
        .map(({ code }) => code);
    expect(
      codes(["    records: unscoped\n    limits", "    record: unscoped\n    limits"]),
      "no 6222 with the misspelled key",
    ).toEqual(["OCSGW-6101"]);
    expect(
      codes(["campaign_groups:\n      - { dbid: 106,", "campaign_groups:\n      - { dbid: none,"]),
      "no 6209 for the group that could not be read",
    ).toEqual(["OCSGW-6103"]);
    expect(codes(["    file: keys.yaml", "    file: [1]"]), "no 6241").toEqual(["OCSGW-6103"]);
  });

  it.each<[string, number | undefined, string, number | undefined]>([
    ["no limit", undefined, "max_body: 64KiB", undefined],
    ["a limit above all that listens", 20_000, "max_body: 64KiB", undefined],
    ["a limit below it", 4096, "max_body: 64KiB", 3874],
    ["a limit below it and fewer connections", 4096, "max_body: 64KiB\n    max_connections: 3000", undefined],
  ])("compare the connections with the limit of file descriptors: %s", (_what, limit, listener, taken) => {
    const text = mutated(["max_body: 64KiB", listener]);
    const found = problemsIn(text, { descriptorLimit: () => limit }).find(({ code }) => code === "OCSGW-6318");
    if (taken === undefined) return expect(found).toBeUndefined();
    expect(found).toMatchObject({
      severity: "warning",
      message: expect.stringContaining(`would accept ${taken} connections instead of 10000`) as string,
      help: expect.stringMatching(/raise the gateway's limit to 10344/) as string,
    });
  });

  it.each<[string, Change, string, string]>([
    ["a long delay", TAIL("drain: { delay: 1m }"), "delay", "95s"],
    ["a slow OCS", ["    timeouts: { connect: 2s, answer: 15s }", "    timeouts: { answer: 45s }"], "answer", "65s"],
    [
      "a slow OCS beside another",
      ANOTHER("primary: http://127.0.0.1:18082, timeouts: { answer: 90s }"),
      "answer",
      "110s",
    ],
    ["a long queue", ["queue: { max: 200, max_wait: 5s }", "queue: { max_wait: 1h }"], "max_wait", "3630s"],
  ])("warn if stopping takes longer than deploy/ allows: %s", (_what, change, key, seconds) => {
    const found = problemsIn(mutated(change)).find(({ code }) => code === "OCSGW-6330");
    expect(found).toMatchObject({
      severity: "warning",
      path: expect.stringMatching(new RegExp(`\\.${key}$`)) as string,
      message: expect.stringContaining(`may need ${seconds} to stop`) as string,
    });
    expect(found!.help).toContain(
      "TimeoutStopSec (systemd), stop_grace_period (compose) or terminationGracePeriodSeconds (Kubernetes) to " +
        `${seconds} or more`,
    );
  });

  it.each<[string, Change]>([
    ["the sample unchanged", ["version: 1", "version: 1"]],
    ["a delay that fits", TAIL("drain: { delay: 25s }")],
  ])("do not warn of a stop within the time of deploy/: %s", (_what, change) => {
    expect(problemsIn(mutated(change)).map(({ code }) => code)).not.toContain("OCSGW-6330");
  });

  it("name clients without a valid key", () => {
    const keys = (rest: string): string =>
      `version: 1\nkeys:\n  - { id: k1, client: alpha-ors, hash: "sha256:${"a".repeat(64)}", created: ` +
      `2026-01-01T00:00:00Z${rest} }\n`;
    const messageOf = (text: string): string | undefined =>
      problemsIn(SAMPLE, { readFile: () => text }).find(({ code }) => code === "OCSGW-6305")?.message;
    expect(messageOf(keys(""))).toBe(
      "these clients have no valid key and cannot authenticate: alpha-ops, beta-crm, beta-ops",
    );
    expect(messageOf(keys(", revoked: 2026-01-02T00:00:00Z"))).toContain("alpha-ors");
    expect(messageOf(keys(", expires: 2026-01-02T00:00:00Z"))).toContain("alpha-ors");
    expect(problemsIn(SAMPLE, { readFile: () => keys(", expire: never") })[0]).toMatchObject({
      code: "OCSGW-6253",
      message: expect.stringContaining("keys.yaml:3:") as string,
      help: "did you mean `expires`?",
    });
    const twice = keys(
      ` }\n  - { id: k1, client: beta-crm, hash: "sha256:${"b".repeat(64)}", created: 2026-01-01T00:00:00Z`,
    );
    expect(problemsIn(SAMPLE, { readFile: () => twice })[0]).toMatchObject({
      message: "keys.yaml:4:11: two keys have the same id; the first one is in line 3",
      help: "delete one of the two entries",
    });
  });

  it("call `pre-dial` no default of a tenant that must state `records`", () => {
    const text = mutated(["    records: unscoped\n    limits", "    limits"]);
    expect(problemsIn(text).filter(({ path }) => path.startsWith("tenants[1]"))).toEqual([
      expect.objectContaining({ code: "OCSGW-6222" }),
    ]);
  });

  it.each([
    ["tls/none.crt", "correct the path, or put the file there; it is relative to the folder of the config file"],
    ["/etc/ocsgw/none.crt", "correct the path, or put the file there"],
  ])("say where the path of a missing file begins: %s", (file, help) => {
    const text = mutated(["tls: none", `tls: { cert: ${file}, key: ${file} }`]);
    const gone = Object.assign(new Error("gone"), { code: "ENOENT" });
    const readFile = (path: string): string => {
      if (path === file) throw gone;
      return "version: 1\nkeys: []\n";
    };
    const found = problemsIn(text, { readFile }).filter(({ code }) => code === "OCSGW-6252");
    expect(found.map((each) => [each.path, each.help])).toEqual([
      ["listeners[0].tls.cert", help],
      ["listeners[0].tls.key", help],
    ]);
  });
});
